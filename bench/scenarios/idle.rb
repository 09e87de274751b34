# frozen_string_literal: true

# How much memory is taken at rest, and by connections that wait for their next request.

require_relative "../fronts"
require_relative "../kept_connection"
require_relative "../origin"
require_relative "../row"

module Bench
  module Idle
    TITLE = "memory: the executable, at rest, and with 10,000 idle connections"
    NEEDS = [].freeze
    USUAL = true
    CLIENTS = 10_000
    SETTLE = 1 # seconds from the last event to the measurement, for what is given back a little later
    TIMEOUT = "600" # seconds that thrust keeps them: more than opening them takes on a busy machine

    # How the connections come to be: the second is the harder, since each needs its buffers at the same time.
    WAYS = {
      "asked one after the other" => ->(clients) { clients.each(&:get) },
      "asked all at once" => lambda { |clients|
        clients.each(&:ask)
        clients.each(&:answer)
      }
    }.freeze

    # Servers begin anew for each measurement, so what the room has are their starters.
    def self.rows(lab, options)
      options = options.with(connections: CLIENTS)
      room = Room.new(-> { Origin.start(lab, options) }) do
        Fronts.starters(options, settings: { "HTTP_IDLE_TIMEOUT" => TIMEOUT })
      end
      WAYS.map do |name, way|
        measure = lambda do |starter|
          server = starter.start(lab, options, target: room.origin.port)
          { **sizes(server, way), **executable(starter) }
        ensure
          lab.stop(server) if server
        end
        Row.new(name: "#{CLIENTS} connections, #{name}", room: room, measure: measure, rounds: 1)
      end
    end

    # Megabytes at rest, in all processes together and with what they share counted once; kilobytes a connection adds.
    def self.sizes(server, way)
      sleep SETTLE
      rest = server.processes.rss
      pss = server.processes.pss
      clients = Array.new(CLIENTS) { KeptConnection.new(server.port) }
      way.call(clients)
      sleep SETTLE
      full = server.processes.rss
      { memory: full, rest: rest / 1e6, pss: pss / 1e6, each: (full - rest) / 1e3 / CLIENTS }
    ensure
      clients&.each(&:close)
    end

    def self.executable(starter)
      starter.name == "thrust" ? { executable: File.size(Fronts::Thrust::EXECUTABLE) / 1e6 } : {}
    end
    private_class_method :sizes, :executable
  end
end
