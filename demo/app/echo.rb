# frozen_string_literal: true

require_relative "web_socket"

module Demo
  # A WebSocket that says back what it is told.
  module Echo
    def self.call(request)
      refusal = WebSocket.refusal(request)
      return refusal if refusal

      # From here on the connection is ours and not Puma's; a thread of its own gives Puma's thread back.
      io = request.get_header("rack.hijack").call
      Thread.new { serve(WebSocket.accept(io, request)) }
      [-1, {}, []] # Puma looks at nothing of it
    end

    def self.serve(socket)
      socket.each_message { |type, message| socket.send_message(type, message) }
    end

    private_class_method :serve
  end
end
