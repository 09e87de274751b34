# frozen_string_literal: true

# One small answer over and over: what a proxied request costs, on kept connections and on new ones.

require_relative "../fronts"
require_relative "../kept_connection"
require_relative "../loads"
require_relative "../origin"
require_relative "../row"

module Bench
  module Proxy
    TITLE = "1 KB from a fast origin, 64 and 1,000 connections, kept and closed"
    NEEDS = [].freeze
    USUAL = true
    CLIENTS = 1_000

    CLOSE = Wrk::Ask.to("/", Connection: "close")

    def self.rows(lab, options)
      options = options.with(connections: CLIENTS)
      room = Room.new(-> { Origin.start(lab, options) }) { |origin| Fronts.start(lab, options, target: origin.port) }
      [[64, Wrk::ROOT], [CLIENTS, Wrk::ROOT], [64, CLOSE], [CLIENTS, CLOSE]].map do |connections, ask|
        name = "1 KB, #{connections} connections#{", each for one request" if ask == CLOSE}"
        Row.new(name: name, room: room, load: Loads::Requests.for(ask, connections), check: method(:check),
                headline: ask == Wrk::ROOT)
      end
    end

    def self.check(server)
      connection = KeptConnection.new(server.port)
      body = connection.get
      raise Failure, "#{server.name} answers something else than the origin" unless body == Origin::BODY

      body.bytesize
    ensure
      connection&.close
    end
  end
end
