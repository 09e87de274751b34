# frozen_string_literal: true

# What is asked for uploads, WebSockets and streams of events: an example of thruster-test, for nginx has none of it.

require_relative "steady"

module Bench
  module LiveOrigin
    EVENTS = 10 # a second, to each who listens

    def self.start(lab)
      port = lab.free_port
      lab.serve("origin", [LOAD.path, "origin", "127.0.0.1:#{port}", EVENTS.to_s], port: port)
    end
  end
end
