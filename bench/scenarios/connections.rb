# frozen_string_literal: true

# Whether a request costs more when there are more connections: ten, and ten thousand, in the same rounds.

require_relative "../fronts"
require_relative "../loads"
require_relative "../origin"
require_relative "../row"
require_relative "proxy"

module Bench
  module Connections
    TITLE = "the same with 10 connections and with 10,000: what each more costs"
    NEEDS = [].freeze
    USUAL = true
    FEW = 10
    CLIENTS = 10_000
    SECONDS = 3 # at least: everyone is to be answered some times

    def self.rows(lab, options)
      options = options.with(connections: CLIENTS)
      room = Room.new(-> { Origin.start(lab, options) }) do |origin|
        Fronts.start(lab, options, target: origin.port, nginx: Fronts::Nginx)
      end
      [[FEW, CLIENTS].map do |connections|
        Row.new(name: "1 KB, #{connections} connections", room: room, seconds: SECONDS, check: method(:check),
                load: Loads::Settled.new(Wrk::ROOT, connections))
      end]
    end

    # Its load counts no bytes.
    def self.check(server)
      Proxy.check(server)
      nil
    end
    private_class_method :check
  end
end
