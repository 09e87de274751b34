# frozen_string_literal: true

# One small answer over and over, on kept connections: what a proxied request costs.

require_relative "../company"
require_relative "../contest"
require_relative "../fronts"
require_relative "../kept_connection"
require_relative "../origin"
require_relative "../statistics"
require_relative "../table"

module Bench
  module Proxy
    NEEDS = %w[nginx wrk].freeze
    DEFAULTS = { rounds: 7, seconds: 5, connections: 64 }.freeze
    WARM_UP = 2 # seconds
    LIMIT = 1.1 # CPU per request, thrust to nginx

    def self.run(lab, options, limits)
      origin = Origin.start(lab, options)
      fronts = Fronts.start(lab, options, target: origin.port)
      contestants = [*fronts, origin]
      contestants.each { check(_1) }
      contest = Contest.new(contestants, options).warm_up(WARM_UP)
      others = Company.during(contestants) { contest.run }
      puts "\n#{origin_size} over keep-alive, #{options.connections} connections, " \
           "median of #{options.rounds} rounds of #{options.seconds} s, access log: #{options.log}\n\n"
      puts results(contestants, contest), "", ratios(fronts, contest, limits), "",
           "Programs that are no part of this took #{others.round} % of the machine meanwhile."
    end

    def self.check(server)
      body = KeptConnection.new(server.port).get
      raise Failure, "#{server.name} answers something else than the origin" unless body == Origin::BODY
    end

    def self.results(contestants, contest)
      table = Table.new("", "requests/s", "p50 ms", "p99 ms", "CPU us/request", "least-most", "RSS MB")
      contestants.each_with_object(table) do |server, rows|
        of = ->(&figure) { contest.median(server, &figure) }
        rows.row(server.name == "origin" ? "origin alone" : server.name,
                 of.call { _1.load.per_second }.round, format("%.2f", of.call { _1.load.p50 }),
                 format("%.2f", of.call { _1.load.p99 }), format("%.1f", of.call(&:cpu)),
                 format("%.1f-%.1f", *contest.range(server, &:cpu)), format("%.1f", server.processes.rss / 1e6))
      end
    end

    def self.ratios(fronts, contest, limits)
      thrust, *others = fronts
      table = Table.new("", "requests/s", "CPU us/request", "least-most", "", remark: true)
      others.each_with_object(table) do |other, rows|
        cpu = contest.ratios(thrust, other, &:cpu)
        speed = contest.ratios(thrust, other) { _1.load.per_second }
        verdict = other.name == "nginx" ? limits.at_most(LIMIT, Statistics.median(cpu)) : ""
        rows.row("thrust : #{other.name}", format("%.2f", Statistics.median(speed)),
                 format("%.2f", Statistics.median(cpu)), format("%.2f-%.2f", *cpu.minmax), verdict)
      end
    end

    def self.origin_size = "#{Origin::BODY.bytesize} bytes"

    private_class_method :check, :results, :ratios, :origin_size
  end
end
