# frozen_string_literal: true

# What a proxied request costs with the access log, and without it, in the same rounds.

require_relative "../fronts"
require_relative "../loads"
require_relative "../origin"
require_relative "../row"
require_relative "proxy"

module Bench
  module Log
    TITLE = "1 KB with the access log and without it"
    NEEDS = [].freeze
    USUAL = true
    CLIENTS = 64

    def self.rows(lab, options)
      origin = nil
      [{ "1 KB, log on" => options.log == :off ? :each : options.log, "1 KB, log off" => :off }.map do |name, log|
        room = Room.new(-> { origin ||= Origin.start(lab, options) }) do
          Fronts.start(lab, options.with(log: log), target: origin.port, nginx: Fronts::Nginx)
        end
        Row.new(name: name, room: room, load: Loads::Requests.for(Wrk::ROOT, CLIENTS), check: Proxy.method(:check))
      end]
    end
  end
end
