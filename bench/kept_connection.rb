# frozen_string_literal: true

# A client that keeps its connection: one GET after the other on a bare socket, so that the client costs
# next to nothing. Opens a new connection when the server has closed the last one.

require "socket"
require_relative "failure"

module Bench
  class KeptConnection
    attr_reader :opened

    def initialize(port)
      @port = port
      @opened = 0
    end

    def get
      ask
      answer
    end

    # Several paths are asked for at once, and answered in their order.
    def ask(*paths)
      paths = ["/"] if paths.empty?
      @socket ||= TCPSocket.open("127.0.0.1", @port).tap { @opened += 1 }
      # wrk's name for the host: what one has put into a cache, the other finds.
      @socket.write(paths.map { "GET #{_1} HTTP/1.1\r\nHost: 127.0.0.1:#{@port}\r\n\r\n" }.join)
    end

    # Reads the whole answer; returns the body.
    def answer
      head = @socket.gets("\r\n\r\n") or raise Failure, "port #{@port} closed the connection without an answer"
      raise Failure, "port #{@port} answered #{head.lines.first.chomp}" unless head.start_with?("HTTP/1.1 200")

      length = head[/^content-length: *(\d+)/i, 1] or raise Failure, "port #{@port} answered without Content-Length"
      @socket.read(length.to_i).tap { close if head.match?(/^connection: *close/i) }
    end

    def close
      @socket&.close
      @socket = nil
    end
  end
end
