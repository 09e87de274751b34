# frozen_string_literal: true

# Columns of text: the first to the left, figures to the right, the last (a remark) to the left again.

module Bench
  class Table
    def initialize(*headings, remark: false)
      @rows = [headings]
      @remark = remark
    end

    def row(*cells)
      @rows << cells.map(&:to_s)
      self
    end

    def to_s
      widths = @rows.map { |row| row.map(&:length) }.then { |all| all.transpose.map(&:max) }
      @rows.map { |row| row.each_with_index.map { |cell, index| pad(cell, index, widths) }.join("  ").rstrip }.join("\n")
    end

    private

    def pad(cell, index, widths)
      left = index.zero? || (@remark && index == widths.size - 1)
      left ? cell.ljust(widths[index]) : cell.rjust(widths[index])
    end
  end
end
