# frozen_string_literal: true

# How much of the machine went to programs that are no part of the benchmark: what to look at first when figures differ.

require_relative "clock"
require_relative "machine"

module Bench
  module Company
    # Percent of all cores' time that others took while the block ran, in which servers of the lab may come and go.
    def self.during(lab)
      start = Clock.now
      before = strangers(lab)
      yield
      (strangers(lab) - before) / (Clock.now - start) / Machine.cores * 100
    end

    # Seconds of CPU. What we and those that have ended used is in our own account, the servers that run have theirs.
    def self.strangers(lab)
      Machine.busy_seconds - Process.times.to_a.sum - lab.servers.sum { _1.processes.cpu_seconds }
    end
    private_class_method :strangers
  end
end
