# frozen_string_literal: true

# Whether a hit costs more when there is more in the cache: the same thrust, with a thousand entries and with a million,
# in the same rounds.

require_relative "../fronts"
require_relative "../loads"
require_relative "../many_keys"
require_relative "../pages_origin"
require_relative "../row"

module Bench
  module CacheSize
    TITLE = "hits with a thousand entries in the cache and with a million; takes 2 GB"
    NEEDS = [].freeze
    USUAL = false
    CLIENTS = 64
    COUNTS = [1_000, 1_000_000].freeze
    SIZE = "4GiB" # of each cache, so that nothing is evicted: a million entries count as 2.6 GB

    def self.rows(lab, options)
      origin = nil
      rows = COUNTS.map { |count| row(lab, options, count, -> { origin ||= PagesOrigin.new(lab, options) }) }
      # Without a limit: whoever asks for everything equally often asks for what no CPU's cache holds.
      uniform = rows.map { |row| row.dup.tap { _1.name += ", all alike"; _1.load = _1.load.uniform; _1.check = nil } }
      [rows, uniform]
    end

    def self.row(lab, options, count, start)
      settings = { "CACHE_SIZE" => SIZE, "STORAGE_PATH" => lab.path("storage-#{count}") }
      room = Room.new(start) { |origin| [Fronts::Thrust.start(lab, options, target: origin.port, settings: settings)] }
      keys = ManyKeys.new(lab, "/small/", count)
      check = lambda do |server|
        keys.fill(server)
        File.truncate(server.output, 0)
        PagesOrigin::KEY_SIZES.fetch("small")
      end
      Row.new(name: "#{count} entries", room: room, kept: true, load: Draws.new(keys, :zipf), check: check)
    end

    # Which of the keys, and by which law.
    Draws = Struct.new(:keys, :law) do
      def uniform = self.class.new(keys, :uniform)
      def full(server, seconds) = Wrk.run(server.port, ask, connections: CLIENTS, seconds: seconds)
      def ask = @ask ||= keys.public_send(law)
    end
    private_class_method :row
  end
end
