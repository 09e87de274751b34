# frozen_string_literal: true

# How long it takes from nothing to an open port, and to the first answer of an application that is there already.

require "socket"
require_relative "../clock"
require_relative "../fronts"
require_relative "../kept_connection"
require_relative "../origin"
require_relative "../row"

module Bench
  module Boot
    TITLE = "from nothing to listening, and to the first answer"
    NEEDS = [].freeze
    USUAL = true
    CLIENTS = 64
    TIMES = 15

    # Servers are started by the measurement, so what the room has are their starters.
    def self.rows(lab, options)
      room = Room.new(-> { Origin.start(lab, options) }) { Fronts.starters(options) }
      measure = lambda do |starter|
        server = starter.start(lab, options, target: room.origin.port)
        { listening: (server.listening - server.spawned) * 1e3, answer: answer(server) }
      ensure
        lab.stop(server) if server
      end
      [Row.new(name: "first answer", room: room, measure: measure, rounds: TIMES)]
    end

    # Milliseconds since the start. The connection that has found the port open was closed again.
    def self.answer(server)
      connection = KeptConnection.new(server.port)
      connection.get
      (Clock.now - server.spawned) * 1e3
    ensure
      connection&.close
    end
    private_class_method :answer
  end
end
