# frozen_string_literal: true

# Short requests while a server is kept busy with something else.

require_relative "wrk"

module Bench
  module Beside
    HEAD_START = 1 # seconds that the other load runs alone, before and after: whole ones, for wrk counts no others

    # What wrk measured of both; `busy` is nil where there was nothing else.
    Result = Struct.new(:short, :busy) do
      def requests = short.requests + busy.to_h.fetch(:requests, 0)
    end

    def self.run(port, short, busy, connections:, seconds:)
      wrk = ->(ask, time) { Wrk.run(port, ask, connections: connections, seconds: time) }
      return Result.new(wrk[short, seconds]) unless busy

      other = Thread.new { wrk[busy, seconds + HEAD_START * 2] }
      other.report_on_exception = false # it is ours to tell, when we ask for its value
      sleep HEAD_START
      Result.new(wrk[short, seconds], other.value)
    ensure
      other&.kill&.join # wrk ends with the thread that reads from it
    end
  end
end
