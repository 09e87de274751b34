# frozen_string_literal: true

# What the figures were taken on. A figure without it is worth little.

require "etc"

module Bench
  module Machine
    def self.cores = Etc.nprocessors

    def self.description
      system = Etc.uname.values_at(:sysname, :release).join(" ")
      "#{cores} cores (#{processor}), #{system}, load #{load} before the start"
    end

    def self.statement
      <<~TEXT
        #{description}.
        Load generator, origin and proxies share these cores, so requests/s and latencies depend on all of them;
        CPU per request is the proxy's own, and the figure to compare.
      TEXT
    end

    def self.processor = File.read("/proc/cpuinfo")[/^model name\s*:\s*(.+)/, 1] || Etc.uname[:machine]

    # CPU time of all cores since the machine started: all columns of the first line but idle and waiting for disks.
    def self.busy_seconds
      user, nice, system, _idle, _wait, irq, softirq, steal = File.read("/proc/stat").split.slice(1, 8).map(&:to_i)
      (user + nice + system + irq + softirq + steal) / Etc.sysconf(Etc::SC_CLK_TCK).to_f
    end

    def self.load = File.read("/proc/loadavg").split.first
  end
end
