# frozen_string_literal: true

require "time"

module Demo
  # Server-sent events: the time, each second, for as long as someone listens.
  #
  # A body that yields would do as well, but Puma lends it a thread for as long as it lives, and on Linux may hold back
  # what it yields for 0.2 s (TCP_CORK). So Puma only sends the headers, and a thread of our own does the rest.
  module Clock
    def self.call(_request)
      headers = {
        "content-type" => "text/event-stream",
        "cache-control" => "no-store",
        "rack.hijack" => ->(io) { Thread.new { tick(io) } }
      }
      [200, headers, []]
    end

    def self.tick(io)
      io.write("retry: 1000\n\n") # milliseconds after which a browser comes back when Puma restarts
      loop do
        now = Time.now
        io.write("event: tick\ndata: #{now.utc.iso8601(3)}\n\n")
        sleep 1 - (now.to_f % 1)
      end
    rescue IOError, SystemCallError
      # Nobody listens any more.
    ensure
      io.close
    end

    private_class_method :tick
  end
end
