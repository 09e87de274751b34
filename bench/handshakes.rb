# frozen_string_literal: true

# Handshakes of TLS 1.3 as often as they can be had, each on a connection of its own, by the example of thruster-test,
# which sees to it that each is what was asked for.

require_relative "certificate"
require_relative "example"
require_relative "failure"
require_relative "result"

module Bench
  module Handshakes
    EXAMPLE = Example.new("handshakes")

    # A request of the result is a handshake. `kind` is "full" or "resumed".
    def self.run(port, kind, authority:, seconds:)
      output = EXAMPLE.run("127.0.0.1:#{port}", Certificate::NAME, authority, kind, seconds)
      count, time = output.match(/^(\d+) handshakes in ([\d.]+) s$/)&.captures
      raise Failure, "port #{port}, #{kind} handshakes: #{output.lines.first(3).join.strip}" unless count.to_i.positive?

      Result.new(requests: count.to_i, seconds: time.to_f)
    end
  end
end
