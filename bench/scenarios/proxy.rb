# frozen_string_literal: true

# One small answer over and over, on kept connections: what a proxied request costs.

require_relative "../company"
require_relative "../fronts"
require_relative "../kept_connection"
require_relative "../origin"
require_relative "../statistics"
require_relative "../table"
require_relative "../wrk"

module Bench
  module Proxy
    NEEDS = %w[nginx wrk].freeze
    DEFAULTS = { rounds: 7, seconds: 5, connections: 64 }.freeze
    WARM_UP = 2 # seconds: connections opened, caches and branch predictors filled
    LIMIT = 1.1 # CPU per request, thrust to nginx

    Round = Struct.new(:load, :cpu, keyword_init: true) # cpu: microseconds per request

    def self.run(lab, options, limits)
      origin = Origin.start(lab, options)
      fronts = Fronts.start(lab, options, target: origin.port)
      contestants = [*fronts, origin]
      contestants.each { warm_up(_1, options) }
      rounds = nil
      others = Company.during(contestants) { rounds = measure(contestants, options) }
      puts "\n#{origin_size} over keep-alive, #{options.connections} connections, " \
           "median of #{options.rounds} rounds of #{options.seconds} s, access log: #{options.log}\n\n"
      puts results(contestants, rounds), "", ratios(fronts, rounds, limits), "",
           "Programs that are no part of this took #{others.round} % of the machine meanwhile."
    end

    def self.warm_up(server, options)
      body = KeptConnection.new(server.port).get
      raise Failure, "#{server.name} answers something else than the origin" unless body == Origin::BODY

      Wrk.run(server.port, connections: options.connections, seconds: WARM_UP)
    end

    # In turn, and every second round in the opposite order: what drifts, drifts for all.
    def self.measure(contestants, options)
      rounds = Hash.new { |all, server| all[server] = [] }
      options.rounds.times do |number|
        print "\rround #{number + 1} of #{options.rounds} " if $stdout.tty?
        order = number.even? ? contestants : contestants.reverse
        order.each { |server| rounds[server] << round(server, options) }
      end
      rounds
    end

    def self.round(server, options)
      before = server.processes.cpu_seconds
      load = Wrk.run(server.port, connections: options.connections, seconds: options.seconds)
      spent = server.processes.cpu_seconds - before
      File.truncate(server.output, 0) # the log of a round may be 100 MB
      Round.new(load: load, cpu: spent / load.requests * 1e6)
    end

    def self.results(contestants, rounds)
      table = Table.new("", "requests/s", "p50 ms", "p99 ms", "CPU us/request", "least-most", "RSS MB")
      contestants.each_with_object(table) do |server, rows|
        of = ->(&figure) { Statistics.median(rounds[server].map(&figure)) }
        cpu = rounds[server].map(&:cpu)
        rows.row(server.name == "origin" ? "origin alone" : server.name,
                 of.call { _1.load.per_second }.round, format("%.2f", of.call { _1.load.p50 }),
                 format("%.2f", of.call { _1.load.p99 }), format("%.1f", of.call(&:cpu)),
                 format("%.1f-%.1f", *cpu.minmax), format("%.1f", server.processes.rss / 1e6))
      end
    end

    # The ratio is taken within each round, so that a slow minute of the machine counts on both sides.
    def self.ratios(fronts, rounds, limits)
      thrust, *others = fronts
      table = Table.new("", "requests/s", "CPU us/request", "least-most", "", remark: true)
      others.each_with_object(table) do |other, rows|
        pairs = rounds[thrust].zip(rounds[other])
        cpu = pairs.map { |ours, theirs| ours.cpu / theirs.cpu }
        speed = pairs.map { |ours, theirs| ours.load.per_second / theirs.load.per_second }
        verdict = other.name == "nginx" ? limits.at_most(LIMIT, Statistics.median(cpu)) : ""
        rows.row("thrust : #{other.name}", format("%.2f", Statistics.median(speed)),
                 format("%.2f", Statistics.median(cpu)), format("%.2f-%.2f", *cpu.minmax), verdict)
      end
    end

    def self.origin_size = "#{Origin::BODY.bytesize} bytes"

    private_class_method :warm_up, :measure, :round, :results, :ratios, :origin_size
  end
end
