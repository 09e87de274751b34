# frozen_string_literal: true

# Servers under the same load, in turn, for some rounds.

require_relative "statistics"
require_relative "wrk"

module Bench
  class Contest
    Round = Struct.new(:load, :cpu, keyword_init: true) do # cpu: microseconds per request
      # CPU milliseconds, of what came to the client, heads and answers that were not yet complete included.
      def per_gigabyte = cpu * load.requests / load.bytes * 1e6
    end

    # `asks` says of a server what wrk shall ask it for: a Hash or something else that answers to []. `load`, for what
    # one wrk cannot do, takes a server and seconds, and returns a result with `requests`.
    def initialize(servers, options, title: nil, asks: ->(_server) { Wrk::ROOT }, connections: options.connections,
                   load: nil)
      @servers = servers
      @options = options
      @title = title
      @load = load || lambda { |server, seconds|
        Wrk.run(server.port, asks[server], connections: connections, seconds: seconds)
      }
      @rounds = Hash.new { |all, server| all[server] = [] }
    end

    # Connections opened, caches and branch predictors filled.
    def warm_up(seconds)
      @servers.each { @load[_1, seconds] }
      self
    end

    # Every second round goes the opposite way: what drifts, drifts for all.
    def run
      @options.rounds.times do |number|
        print "\r\e[K#{"#{@title}: " if @title}round #{number + 1} of #{@options.rounds} " if $stdout.tty?
        order = number.even? ? @servers : @servers.reverse
        order.each { |server| @rounds[server] << round(server) }
      end
      self
    end

    def median(server, &figure) = Statistics.median(@rounds[server].map(&figure))
    def range(server, &figure) = @rounds[server].map(&figure).minmax

    # Taken within each round, so that a slow minute of the machine counts on both sides.
    def ratios(ours, theirs)
      @rounds[ours].zip(@rounds[theirs]).map { |pair| yield(pair.first) / yield(pair.last) }
    end

    private

    def round(server)
      before = server.processes.cpu_seconds
      load = @load[server, @options.seconds]
      spent = server.processes.cpu_seconds - before
      File.truncate(server.output, 0) # the log of a round may be 100 MB
      Round.new(load: load, cpu: spent / load.requests * 1e6)
    end
  end
end
