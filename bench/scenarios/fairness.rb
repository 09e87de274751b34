# frozen_string_literal: true

# More clients than Puma has threads, each with its next request as soon as it is answered. Served in order, everyone
# would wait about as long as everyone else; Puma before 7 lets a kept connection that was just answered go first.

require_relative "../clock"
require_relative "../debian"
require_relative "../fronts"
require_relative "../kept_connection"
require_relative "../row"
require_relative "../statistics"

module Bench
  module Fairness
    TITLE = "who waits how long when 12 clients share 2 Puma threads"
    NEEDS = %w[puma].freeze
    USUAL = true
    CLIENTS = 12
    THREADS = 2
    LEAST = 8 # seconds: those whom Puma forgets wait for nearly three
    APP = File.expand_path("../slow.ru", __dir__)
    DIRECTLY = "no proxy"

    def self.rows(lab, options)
      seconds = [options.seconds, LEAST].max
      room = Room.new(-> { start_puma(lab) }) do |puma|
        [*Fronts.start(lab, options, target: puma.port), Puma.new(DIRECTLY, puma.port)]
      end
      [Row.new(name: "#{CLIENTS} clients, #{THREADS} threads, 50 ms", room: room, rounds: 1,
               measure: ->(server) { crowd(server.port, seconds) })]
    end

    Puma = Struct.new(:name, :port)

    def self.start_puma(lab)
      port = lab.free_port
      lab.serve("puma", [Debian.locate("puma"), "--quiet", "--environment", "production",
                         "--threads", "#{THREADS}:#{THREADS}", "--bind", "tcp://127.0.0.1:#{port}", APP], port: port)
    end

    # Whoever waits when the time is over waits on, to the end: the starved are the ones to be counted. What is answered
    # a second is what came while the clock ran.
    def self.crowd(port, seconds)
      deadline = Clock.now + seconds
      clients = Array.new(CLIENTS) { Thread.new { client(port, deadline) } }
      waits, answered = clients.each { _1.report_on_exception = false }.map(&:value).transpose
      waits.flatten!
      median = Statistics.median(waits)
      { per_second: answered.sum / seconds.to_f, p50: median, p99: Statistics.percentile(waits, 99),
        worst: waits.max, unfairness: waits.max / median }
    end

    # Returns milliseconds, and how many came in time.
    def self.client(port, deadline)
      connection = KeptConnection.new(port)
      waits = []
      answered = 0
      while (asked = Clock.now) < deadline
        connection.get
        waits << (Clock.now - asked) * 1e3
        answered += 1 if Clock.now < deadline
      end
      [waits, answered]
    ensure
      connection&.close
    end

    private_class_method :start_puma, :crowd, :client
  end
end
