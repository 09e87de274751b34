# frozen_string_literal: true

# Bodies of requests: the application has all of one before it answers.

require_relative "../fronts"
require_relative "../live_origin"
require_relative "../loads"
require_relative "../row"

module Bench
  module Upload
    TITLE = "uploads of 1 MB"
    NEEDS = [].freeze
    USUAL = true
    CLIENTS = 64

    CONNECTIONS = 16
    ASK = Wrk::Ask.new(path: "/upload", upload: 1_000_000)

    def self.rows(lab, options)
      room = Room.new(-> { LiveOrigin.start(lab) }) do |origin|
        Fronts.start(lab, options, target: origin.port, nginx: Fronts::NginxStreams, caddy: Fronts::Caddy.new,
                                   haproxy: Fronts::Haproxy.new)
      end
      # What is to be seen of the answers is that they come: the origin sends none before it has everything.
      [Row.new(name: "1 MB", room: room, load: Loads::Requests.for(ASK, CONNECTIONS), headline: true)]
    end
  end
end
