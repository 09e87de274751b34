# frozen_string_literal: true

# How long a test waits for an event. It only ends tests that hang: no test passes or fails
# by the speed of the machine, so it may be far more than any event should take.
module Patience
  LIMIT = 30

  # The event did not come.
  class Exhausted < StandardError; end

  def self.now
    Process.clock_gettime(Process::CLOCK_MONOTONIC)
  end

  def self.deadline
    now + LIMIT
  end

  # Seconds left until the deadline; none is an error that says what was waited for.
  def self.left(deadline, event)
    left = deadline - now
    raise Exhausted, "waited #{LIMIT} s in vain for #{event}" unless left.positive?

    left
  end
end
