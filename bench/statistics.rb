# frozen_string_literal: true

module Bench
  module Statistics
    def self.median(values)
      sorted = values.sort
      middle = sorted.size / 2
      sorted.size.odd? ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2.0
    end

    # By nearest rank: a value that was seen, not one between two.
    def self.percentile(values, percent)
      values.sort[(values.size * percent / 100.0).ceil.clamp(1, values.size) - 1]
    end
  end
end
