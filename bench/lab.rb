# frozen_string_literal: true

# A temporary directory and the processes that work in it. When the block ends, however it ends, both are gone.

require "socket"
require "tmpdir"
require_relative "server"

module Bench
  class Lab
    attr_reader :directory, :servers

    def self.open
      Dir.mktmpdir("thrust-bench-") do |directory|
        File.chmod(0o711, directory) # nginx's workers have given up root, and must pass through it
        lab = new(directory)
        yield lab
      ensure
        lab&.close
      end
    end

    def initialize(directory)
      @directory = directory
      @servers = []
    end

    # Starts a server and returns once it accepts connections on `port`.
    def serve(name, command, port:, env: {})
      server = Server.new(name, command, port: port, env: env, output: path("#{name}.log"), directory: @directory)
      @servers << server
      server.await
    end

    def stop(server)
      server.stop
      @servers.delete(server)
    end

    def close = @servers.reverse_each(&:stop)

    def path(name) = File.join(@directory, name)

    def write(name, text)
      path(name).tap { File.write(_1, text) }
    end

    # A port nobody listens on; the system does not hand the same one out again soon.
    def free_port = TCPServer.open("127.0.0.1", 0) { _1.addr[1] }
  end
end
