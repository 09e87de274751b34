# frozen_string_literal: true

# Messages over WebSockets, there and back: what one pair costs.

require_relative "../fronts"
require_relative "../live_origin"
require_relative "../loads"
require_relative "../row"

module Bench
  module Websocket
    TITLE = "WebSockets that echo messages of 64 bytes"
    NEEDS = [].freeze
    USUAL = true
    CLIENTS = 64

    def self.rows(lab, options)
      room = Room.new(-> { LiveOrigin.start(lab) }) do |origin|
        Fronts.start(lab, options, target: origin.port, nginx: Fronts::NginxStreams, caddy: Fronts::Caddy.new,
                                   haproxy: Fronts::Haproxy.new)
      end
      [Row.new(name: "64 bytes, #{CLIENTS} sockets", room: room, load: Loads::Echo.new(CLIENTS), headline: true)]
    end
  end
end
