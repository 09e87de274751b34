# frozen_string_literal: true

# More clients than Puma has threads, each with its next request as soon as it is answered. Served in order, everyone
# would wait about as long as everyone else; Puma before 7 lets a kept connection that was just answered go first.

require_relative "../clock"
require_relative "../debian"
require_relative "../fronts"
require_relative "../kept_connection"
require_relative "../statistics"
require_relative "../table"

module Bench
  module Fairness
    NEEDS = %w[puma nginx].freeze
    DEFAULTS = { connections: 12, seconds: 20 }.freeze
    THREADS = 2
    APP = File.expand_path("../slow.ru", __dir__)

    LIMIT = 1.3 # worst to median
    SPEED_LIMIT = 0.98 # of Puma's own throughput; a run of 20 s is no more exact than that

    # `answered` counts what came while the clock ran, `milliseconds` has the wait of everyone.
    Outcome = Struct.new(:milliseconds, :answered, :seconds, :opened, keyword_init: true) do
      def median = Statistics.median(milliseconds)
      def p99 = Statistics.percentile(milliseconds, 99)
      def worst = milliseconds.max
      def unfairness = worst / median
      def per_second = answered / seconds.to_f
    end

    def self.run(lab, options, limits)
      puma = start_puma(lab)
      outcomes = { "directly" => crowd(puma.port, options) }
      Fronts.all(options).each do |front|
        server = front.start(lab, options, target: puma.port)
        outcomes["through #{server.name}"] = crowd(server.port, options)
        lab.stop(server)
      end
      puts "\n#{`puma --version`.chomp}, #{THREADS} threads, an app that sleeps 50 ms, " \
           "#{options.connections} clients over kept connections, #{options.seconds} s\n\n"
      puts results(outcomes, limits)
    end

    def self.start_puma(lab)
      port = lab.free_port
      lab.serve("puma", [Debian.locate("puma"), "--quiet", "--environment", "production",
                         "--threads", "#{THREADS}:#{THREADS}", "--bind", "tcp://127.0.0.1:#{port}", APP], port: port)
    end

    # Whoever waits when the time is over waits on, to the end: the starved are the ones to be counted.
    def self.crowd(port, options)
      deadline = Clock.now + options.seconds
      clients = Array.new(options.connections) { Thread.new { client(port, deadline) } }
      outcomes = clients.each { _1.report_on_exception = false }.map(&:value)
      Outcome.new(milliseconds: outcomes.flat_map(&:milliseconds), answered: outcomes.sum(&:answered),
                  seconds: options.seconds, opened: outcomes.sum(&:opened))
    end

    def self.client(port, deadline)
      connection = KeptConnection.new(port)
      waits = []
      answered = 0
      while (asked = Clock.now) < deadline
        connection.get
        waits << (Clock.now - asked) * 1e3
        answered += 1 if Clock.now < deadline
      end
      Outcome.new(milliseconds: waits, answered: answered, opened: connection.opened)
    ensure
      connection&.close
    end

    def self.results(outcomes, limits)
      table = Table.new("", "median ms", "p99 ms", "worst ms", "worst/median", "requests/s", "connections", "",
                        remark: true)
      outcomes.each do |way, it|
        table.row(way, it.median.round, it.p99.round, it.worst.round, format("%.2f", it.unfairness),
                  format("%.1f", it.per_second), it.opened,
                  way == "through thrust" ? verdicts(it, outcomes.fetch("directly"), limits) : "")
      end
      table
    end

    def self.verdicts(thrust, direct, limits)
      "fair: #{limits.at_most(LIMIT, thrust.unfairness)}, throughput: " +
        limits.at_least(direct.per_second * SPEED_LIMIT, thrust.per_second, "98 % of Puma's own")
    end

    private_class_method :start_puma, :crowd, :client, :results, :verdicts
  end
end
