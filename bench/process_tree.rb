# frozen_string_literal: true

# What a process and its descendants cost: CPU time and memory, as the kernel counts them.

module Bench
  class ProcessTree
    # What thrust is given to wrap where the scenario has its own origin. It does nothing and leaves on TERM.
    IDLE = %w[sleep infinity].freeze

    def initialize(root)
      @root = root
    end

    # Seconds of user and system time of all threads, ended ones too, to the nanosecond. /proc/PID/stat would count
    # the same in steps of 10 ms, /proc/PID/task/*/schedstat without the threads that have ended.
    def cpu_seconds
      pids.sum { |pid| Process.clock_gettime(cpu_clock(pid)) }
    end

    # Bytes in memory. A page that several processes share counts in each (rss) or in parts (pss).
    def rss = pids.sum { memory(_1, "Rss") }
    def pss = pids.sum { memory(_1, "Pss") }

    # Bytes: the most that were in memory at once since `forget_peak`, for each process.
    def peak = pids.sum { |pid| File.read("/proc/#{pid}/status")[/^VmHWM:\s+(\d+) kB/, 1].to_i * 1024 }

    # 5 is the kernel's word for it, see proc(5). Where that is not allowed, the peak is that since the start.
    def forget_peak
      pids.each { |pid| File.write("/proc/#{pid}/clear_refs", "5") }
    rescue SystemCallError
      nil
    end

    private

    # The kernel's name for a process's CPU clock: what clock_getcpuclockid(3) returns, which Ruby does not offer.
    # The 2 is CPUCLOCK_SCHED, user and system time as the scheduler measured it.
    def cpu_clock(pid) = (~pid << 3) | 2

    def memory(pid, field)
      File.read("/proc/#{pid}/smaps_rollup")[/^#{field}:\s+(\d+) kB/, 1].to_i * 1024
    end

    # The wrapped idle command is no part of what is measured.
    def pids = descend(@root).reject { name_of(_1).then { |name| name.nil? || name == IDLE.first } }

    # None if it has just ended, as nginx's cache loader does a minute after the start.
    def name_of(pid)
      File.read("/proc/#{pid}/comm").chomp
    rescue Errno::ENOENT, Errno::ESRCH
      nil
    end

    def descend(pid) = [pid, *children_of(pid).flat_map { descend(_1) }]

    def children_of(pid)
      Dir.glob("/proc/#{pid}/task/*/children").flat_map { |file| File.read(file).split.map(&:to_i) }
    end
  end
end
