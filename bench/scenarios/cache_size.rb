# frozen_string_literal: true

# Whether a hit costs more when there is more in the cache: the same thrust three times, with a thousand entries, a
# hundred thousand and a million, in turn.

require_relative "../clock"
require_relative "../company"
require_relative "../contest"
require_relative "../failure"
require_relative "../fronts"
require_relative "../many_keys"
require_relative "../pages_origin"
require_relative "../statistics"
require_relative "../table"

module Bench
  module CacheSize
    NEEDS = %w[nginx wrk].freeze
    DEFAULTS = { rounds: 7, seconds: 3, connections: 64 }.freeze
    WARM_UP = 2 # seconds
    COUNTS = [1_000, 100_000, 1_000_000].freeze
    SIZE = "4GiB" # of each cache, so that nothing is evicted: a million entries count as 2.6 GB
    LIMIT = 1.1 # CPU per hit, to that with the fewest entries

    def self.run(lab, options, limits)
      origin = PagesOrigin.new(lab, options)
      caches = COUNTS.to_h { |count| [start(lab, options, origin, count), ManyKeys.new(lab, "/small/", count)] }
      caches.each { |server, keys| fill(server, keys) }
      tables = []
      others = Company.during([*caches.keys, origin.server]) do
        tables << law("Zipf", caches.transform_values(&:zipf), origin, options) do |ratio|
          limits.at_most(LIMIT, ratio)
        end
        # Without a limit: whoever asks for everything equally often asks for what no CPU's cache holds.
        tables << law("uniform", caches.transform_values(&:uniform), origin, options) { "" }
      end
      puts "\nhits on bodies of #{PagesOrigin::KEY_SIZES.fetch("small")} bytes over keep-alive, " \
           "#{options.connections} connections, median of #{options.rounds} rounds of #{options.seconds} s, " \
           "access log: #{options.log}", tables.map { ["", _1] }, "",
           "Programs that are no part of this took #{others.round} % of the machine meanwhile."
    end

    def self.start(lab, options, origin, count)
      settings = { "CACHE_SIZE" => SIZE, "STORAGE_PATH" => lab.path("storage-#{count}") }
      Fronts::Thrust.start(lab, options, target: origin.port, name: "#{count} entries", settings: settings)
    end

    def self.fill(server, keys)
      start = Clock.now
      keys.fill(server)
      File.truncate(server.output, 0)
      puts "#{server.name} filled in #{(Clock.now - start).round(1)} s"
    end

    # The block says what a ratio to the fewest entries is worth.
    def self.law(name, asks, origin, options)
      servers = asks.keys
      contest = Contest.new(servers, options, title: name, asks: asks).warm_up(WARM_UP)
      asked = origin.asked_during { contest.run }
      raise Failure, "#{asked} requests were no hits, so the others say nothing" if asked.positive?

      fewest = servers.first
      table = Table.new(name, "CPU us/hit", "to #{fewest.name}", "least-most", "hits/s", "RSS MB", "", remark: true)
      servers.each_with_object(table) do |server, rows|
        ratios = contest.ratios(server, fewest, &:cpu)
        ratio = Statistics.median(ratios)
        rows.row(server.name, format("%.1f", contest.median(server, &:cpu)), format("%.2f", ratio),
                 format("%.2f-%.2f", *ratios.minmax), contest.median(server) { _1.load.per_second }.round,
                 format("%.1f", server.processes.rss / 1e6), server == fewest ? "" : yield(ratio))
      end
    end
    private_class_method :start, :fill, :law
  end
end
