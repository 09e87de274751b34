# frozen_string_literal: true

# Says beside a figure whether it is within its limit, and remembers.

module Bench
  class Limits
    def initialize
      @kept = true
    end

    def at_most(limit, figure, text = limit.to_s) = judge(figure <= limit, "at most #{text}")
    def below(limit, figure, text = limit.to_s) = judge(figure < limit, "below #{text}")
    def at_least(limit, figure, text = limit.to_s) = judge(figure >= limit, "at least #{text}")

    # What could not be measured as it should be keeps no limit.
    def missed(why)
      @kept = false
      "FAIL (#{why})"
    end

    def kept? = @kept

    private

    def judge(kept, words)
      @kept &&= kept
      "#{kept ? "pass" : "FAIL"} (#{words})"
    end
  end
end
