# frozen_string_literal: true

# How big thrust is: on disk, at rest, and with many idle connections.

require_relative "../fronts"
require_relative "../kept_connection"
require_relative "../origin"
require_relative "../table"

module Bench
  module Memory
    NEEDS = %w[nginx].freeze
    DEFAULTS = { connections: 2_000 }.freeze
    SETTLE = 1 # seconds from the last event to the measurement, for what is given back a little later

    EXECUTABLE_LIMIT = 6e6 # bytes, with everything in it
    REST_LIMIT = 5e6 # bytes
    CONNECTION_LIMIT = 25e3 # bytes for each idle connection: 50 MB for 2,000

    # How the connections come to be: the second is the harder, since each needs its buffers at the same time.
    WAYS = {
      "one after the other" => ->(clients) { clients.each(&:get) },
      "all at once" => lambda { |clients|
        clients.each(&:ask)
        clients.each(&:answer)
      }
    }.freeze

    def self.run(lab, options, limits)
      allow_descriptors(options.connections)
      size = File.size(Fronts::Thrust::EXECUTABLE)
      puts "\nexecutable: #{megabytes(size)}: #{limits.below(EXECUTABLE_LIMIT, size, "6 MB")}\n\n"
      puts idle_connections(lab, options, limits)
    end

    def self.idle_connections(lab, options, limits)
      origin = Origin.start(lab, options)
      table = Table.new("memory", "RSS at rest", "PSS", "#{options.connections} idle: added", "each", "", remark: true)
      Fronts.all(options).product(WAYS.keys) do |front, way|
        server = front.start(lab, options, target: origin.port)
        rest, pss, added = measure(server, options.connections, WAYS.fetch(way))
        lab.stop(server)
        each = added / options.connections
        table.row("#{server.name}, #{way}", megabytes(rest), megabytes(pss), megabytes(added),
                  "#{(each / 1e3).round(1)} kB", server.name == "thrust" ? verdicts(rest, each, limits) : "")
      end
      table
    end

    # Returns bytes: RSS and PSS at rest, RSS added by the connections.
    def self.measure(server, connections, way)
      sleep SETTLE
      rest = server.processes.rss
      pss = server.processes.pss
      clients = Array.new(connections) { KeptConnection.new(server.port) }
      way.call(clients)
      sleep SETTLE
      [rest, pss, server.processes.rss - rest]
    ensure
      clients&.each(&:close)
    end

    def self.verdicts(rest, each, limits)
      "at rest #{limits.below(REST_LIMIT, rest, "5 MB")}, each #{limits.below(CONNECTION_LIMIT, each, "25 kB")}"
    end

    # One for each client's socket here; a proxy inherits the limit, and has one more for the upstream side.
    def self.allow_descriptors(connections)
      needed = connections * 2 + 1_000
      soft, hard = Process.getrlimit(:NOFILE)
      return if soft >= needed

      Process.setrlimit(:NOFILE, needed, [hard, needed].max)
    rescue Errno::EPERM
      raise Failure, "#{connections} connections need #{needed} open files, #{hard} are allowed; see ulimit -Hn"
    end

    def self.megabytes(bytes) = format("%.2f MB", bytes / 1e6)

    private_class_method :idle_connections, :measure, :verdicts, :allow_descriptors, :megabytes
  end
end
