# frozen_string_literal: true

# Short requests while a server is kept busy with something else.

require_relative "wrk"

module Bench
  HEAD_START = 1 # seconds that the other load runs alone, before and after: whole ones, for wrk counts no others

  # `asks` gives what keeps a server busy; nothing, where there is nothing else.
  Beside = Struct.new(:short, :asks, :connections) do
    # What is counted are the short ones. The CPU is spent on both, and says nothing of one.
    def full(server, seconds)
      wrk = ->(ask, time) { Wrk.run(server.port, ask, connections: connections, seconds: time) }
      busy = asks[server] or return wrk[short, seconds]
      other = Thread.new { wrk[busy, seconds + HEAD_START * 2] }
      other.report_on_exception = false # it is ours to tell, when we ask for its value
      sleep HEAD_START
      result = wrk[short, seconds]
      pages = other.value
      result.others = { cpu: nil, pages: pages.per_second, page_bytes: pages.bytes / pages.requests }
      result
    ensure
      other&.kill&.join # wrk ends with the thread that reads from it
    end
  end
end
