# frozen_string_literal: true

# How many files this process and those it starts may have open.

require_relative "failure"

module Bench
  module Descriptors
    SPARE = 2_000 # logs, pages that are kept, connections that are still being closed

    # For so many connections to a proxy. It may have as many to the origin, though it rarely does.
    def self.allow(connections)
      soft, hard = Process.getrlimit(:NOFILE)
      wanted = connections * 2 + SPARE
      return if soft >= wanted

      raise_to(wanted, hard) || raise_to(hard, hard)
      allowed = Process.getrlimit(:NOFILE).first
      return if allowed >= connections + SPARE

      raise Failure, "#{connections} connections need #{wanted} open files, #{allowed} are allowed; see ulimit -Hn"
    end

    # Returns whether that was allowed.
    def self.raise_to(number, hard)
      Process.setrlimit(:NOFILE, number, [hard, number].max)
      true
    rescue Errno::EPERM
      false
    end
    private_class_method :raise_to
  end
end
