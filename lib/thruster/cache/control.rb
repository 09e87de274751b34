# frozen_string_literal: true

require "json"
require "socket"

module Thruster
  class Cache
    # The control socket of a running thrust: HTTP/1.1 over a Unix socket, JSON both ways, a connection for each
    # request. By hand, for Net::HTTP knows no Unix sockets.
    class Control
      NOT_STARTED_BY_THRUST = <<~MESSAGE.tr("\n", " ").strip
        THRUSTER_CONTROL is not set: this process was not started by thrust. Start the server with bin/thrust; or, for
        a process beside it, give thrust the setting CONTROL_SOCKET=/some/path and say here
        Thruster.cache = Thruster::Cache.new("/some/path"). Where there is no thrust, say Thruster.cache = nil.
      MESSAGE

      # Between two attempts at a socket whose queue is full, in seconds. There is no event to wait for.
      PAUSE = 0.01

      def initialize(path, timeout:)
        @path = path
        @timeout = timeout
      end

      # The answer to a request, as a Hash with symbols for keys.
      def ask(method, target, body = nil)
        raise Unavailable, NOT_STARTED_BY_THRUST if @path.empty?

        @deadline = now + @timeout
        understand(exchange(request(method, target, body)))
      rescue Errno::ENOENT, Errno::ENOTDIR, Errno::ECONNREFUSED, Errno::EPROTOTYPE
        raise Unavailable, "no thrust listens at #{@path}. Has it ended, or does it run elsewhere?"
      rescue Errno::EACCES, Errno::EPERM
        raise Unavailable, "this process may not use #{@path}: only the user that thrust runs as may, and root"
      rescue SystemCallError => error
        raise Unavailable, "the exchange with thrust at #{@path} broke off: #{error.message}"
      end

      private

      def request(method, target, body)
        lines = ["#{method} #{target} HTTP/1.1", "Host: thrust", "Connection: close"]
        body &&= JSON.generate(body)
        lines.push("Content-Type: application/json", "Content-Length: #{body.bytesize}") if body
        [*lines, "", body.to_s].join("\r\n").b
      end

      def exchange(request)
        socket = Socket.new(:UNIX, :STREAM)
        connect(socket)
        write(socket, request)
        read(socket)
      ensure
        socket&.close
      end

      # UNIXSocket.new takes a full queue for a connection, and the first write would fail.
      def connect(socket)
        socket.connect_nonblock(Socket.sockaddr_un(@path))
      rescue Errno::EAGAIN
        left
        sleep PAUSE
        retry
      end

      def write(socket, text)
        until text.empty?
          written = socket.write_nonblock(text, exception: false)
          written == :wait_writable ? await(socket.wait_writable(left)) : text = text.byteslice(written..)
        end
      end

      # Everything until thrust closes, as it does after an answer.
      def read(socket)
        answer = +"".b
        while (piece = socket.read_nonblock(65_536, exception: false))
          piece == :wait_readable ? await(socket.wait_readable(left)) : answer << piece
        end
        answer
      end

      def await(event)
        event or raise Unavailable, "thrust at #{@path} did not answer within #{@timeout} seconds"
      end

      # Seconds until the deadline.
      def left
        left = @deadline - now
        await(left.positive?)
        left
      end

      def now
        Process.clock_gettime(Process::CLOCK_MONOTONIC)
      end

      def understand(answer)
        head, _, body = answer.partition("\r\n\r\n")
        status = head[%r{\AHTTP/1\.\d (\d{3})\b}, 1]
        length = head[/^content-length: *(\d+)/i, 1].to_i
        raise Unavailable, "thrust at #{@path} broke off its answer" if answer.empty? || body.bytesize < length

        content = parse(String.new(body, encoding: Encoding::UTF_8))
        raise Error, "what listens at #{@path} is not thrust" unless status && content.is_a?(Hash)
        raise Error, "thrust refuses: #{content.fetch(:error, "status #{status}")}" unless status == "200"

        content
      end

      # nil if it is no JSON.
      def parse(body)
        JSON.parse(body, symbolize_names: true)
      rescue JSON::ParserError
        nil
      end
    end
  end
end
