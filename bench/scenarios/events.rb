# frozen_string_literal: true

# A stream of server-sent events that a thousand clients listen to: what it costs to bring an event to one of them. All
# get as many, so what they wait is comparable as it is.

require_relative "../fronts"
require_relative "../live_origin"
require_relative "../loads"
require_relative "../row"

module Bench
  module ServerSentEvents
    TITLE = "server-sent events to 1,000 clients, #{LiveOrigin::EVENTS} a second to each"
    NEEDS = [].freeze
    USUAL = true
    CLIENTS = 1_000

    def self.rows(lab, options)
      options = options.with(connections: CLIENTS)
      room = Room.new(-> { LiveOrigin.start(lab) }) do |origin|
        Fronts.start(lab, options, target: origin.port, nginx: Fronts::NginxStreams, caddy: Fronts::Caddy.new,
                                   haproxy: Fronts::Haproxy.new)
      end
      [Row.new(name: "#{CLIENTS} clients", room: room, headline: true,
               load: Loads::Events.new(CLIENTS, LiveOrigin::EVENTS))]
    end
  end
end
