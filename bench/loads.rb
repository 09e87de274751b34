# frozen_string_literal: true

# What rows are loaded with: `full` is as fast as it goes, `steady` at a rate of requests a second. Where connections
# are many, or last, `full` calls its block once they are there.

require_relative "beside"
require_relative "h2load"
require_relative "handshakes"
require_relative "steady"
require_relative "wrk"

module Bench
  module Loads
    # HTTP/1.1. `asks` gives what a server is asked for.
    Requests = Struct.new(:asks, :connections) do
      def self.for(ask, connections) = new(->(_server) { ask }, connections)

      def full(server, seconds)
        Wrk.run(server.port, asks[server], connections: connections, seconds: seconds)
      end

      # Many paths, one after the other, only wrk can ask for.
      def steady(server, seconds, rate)
        ask = asks[server]
        Steady.run(server.port, ask, connections: connections, rate: rate, seconds: seconds) unless ask.endings
      end
    end

    # HTTP/1.1 over so many connections that opening them must not be in the figures.
    Settled = Struct.new(:ask, :connections) do
      def full(server, seconds, &connected) = steady(server, seconds, 0, &connected)

      def steady(server, seconds, rate, &connected)
        Steady.run(server.port, ask, connections: connections, rate: rate, seconds: seconds, &connected)
      end
    end

    # HTTP/1.1 over TLS.
    Secure = Struct.new(:path, :length, :connections) do
      def full(server, seconds)
        Wrk.run(server.port, Wrk::Ask.to(path), connections: connections, seconds: seconds, secure: Certificate::NAME)
      end

      def steady(server, seconds, rate)
        h2load = H2load.new(path: path, length: length, connections: connections, streams: 1, secure: true,
                            version: "1.1")
        h2load.run(server.port, seconds: seconds, rate: rate)
      end
    end

    # HTTP/2, with or without TLS.
    Streams = Struct.new(:h2load) do
      def full(server, seconds) = h2load.run(server.port, seconds: seconds)
      def steady(server, seconds, rate) = h2load.run(server.port, seconds: seconds, rate: rate)
    end

    # Connections that do nothing but shake hands.
    Handshaking = Struct.new(:kind, :authority) do
      def full(server, seconds) = Handshakes.run(server.port, kind, authority: authority, seconds: seconds)
    end

    # Messages over WebSockets.
    Echo = Struct.new(:connections) do
      def full(server, seconds, &connected) = steady(server, seconds, 0, &connected)

      def steady(server, seconds, rate, &connected)
        output = LOAD.run("echo", "127.0.0.1:#{server.port}", connections, rate, seconds, &connected)
        Result.read(output, "echo from #{server.name}")
      end
    end

    # Events of one stream, for everyone who listens: how many there are, `each` a second, is for the origin to say.
    Events = Struct.new(:connections, :each) do
      def full(server, seconds, &connected)
        output = LOAD.run("events", "127.0.0.1:#{server.port}", connections, seconds, &connected)
        Result.read(output, "events from #{server.name}").tap { _1.others = { rate: connections * each } }
      end
    end
  end
end
