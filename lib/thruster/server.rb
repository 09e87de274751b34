# frozen_string_literal: true

require_relative "native"

module Thruster
  # thrust inside this process, in front of a web server that runs already: for tests and
  # development. Its threads run beside Ruby's, and neither signals nor the exit are taken over.
  #
  #   server = Thruster::Server.new(target_port: 3000).start
  #   server.port # => 43211
  #   server.stop
  class Server
    # It could not be started, or belongs to another process. The message says why.
    class Error < StandardError; end

    # Starts a server; with a block, for as long as that runs.
    def self.start(**settings)
      server = new(**settings).start
      return server unless block_given?

      begin
        yield server
      ensure
        server.stop
      end
    end

    # What is other than in thrust: free ports, of this machine alone, and a silent log.
    DEFAULTS = { http_port: 0, https_port: 0, bind: "127.0.0.1", log_requests: false }.freeze

    # Settings are thrust's, in lower case, with Ruby's values; nil is thrust's default. The environment is not
    # looked at. Raises an ArgumentError with a line for each that cannot be.
    def initialize(**settings)
      @front = Native::Front.new(Settings.texts(DEFAULTS.merge(settings)))
    end

    # Begins to serve. One that serves already goes on.
    def start
      @front.start
      self
    end

    # Takes no more requests, lets those under way finish, for `drain_timeout` at most, and returns when all is
    # over. One that does not serve has nothing to do.
    def stop
      @front.stop
      self
    end

    def running?
      @front.running?
    end

    # Where it listens; nil when it does not.
    def port
      @front.port
    end

    # Where it listens for TLS; nil without it.
    def https_port
      @front.https_port
    end

    # Without the settings: there may be secrets among them.
    def inspect
      "#<#{self.class}#{running? ? " port=#{port}" : " not running"}>"
    end
  end
end
