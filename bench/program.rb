# frozen_string_literal: true

# A program that is run to its end for what it prints.

module Bench
  module Program
    # Its errors are among it. The block talks to it first, and may return what it has read.
    def self.output(*command)
      IO.popen(command.map(&:to_s), "r+b", err: %i[child out]) do |program|
        "#{yield program if block_given?}#{program.read}"
      ensure
        Process.kill(:TERM, program.pid) # does nothing unless we were interrupted: closing the pipe waits for its end
      end
    end
  end
end
