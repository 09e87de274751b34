# frozen_string_literal: true

# How much of the machine went to programs that are no part of the benchmark: the first thing to look at when figures differ.

require_relative "clock"
require_relative "machine"

module Bench
  module Company
    # Percent of all cores' time that others took while the block ran.
    def self.during(servers)
      start = Clock.now
      before = strangers(servers)
      yield
      (strangers(servers) - before) / (Clock.now - start) / Machine.cores * 100
    end

    # Seconds of CPU. What we and the finished wrk used is in our own account, the servers have theirs.
    def self.strangers(servers)
      Machine.busy_seconds - Process.times.to_a.sum - servers.sum { _1.processes.cpu_seconds }
    end
    private_class_method :strangers
  end
end
