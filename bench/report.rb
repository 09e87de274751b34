# frozen_string_literal: true

# What was measured, by scenario, row and server: medians over the rounds, and ratios taken within each round, so that a
# slow minute of the machine counts on both sides.

require_relative "statistics"

module Bench
  class Report
    # One row with one server.
    Entry = Struct.new(:scenario, :row, :server, :samples, :failure, :headline, keyword_init: true) do
      def name = "#{scenario}: #{row}"

      # Nothing where there is no such figure.
      def median(figure)
        values = samples.filter_map { _1[figure] }
        Statistics.median(values) if values.any?
      end

      def ratios(other, figure)
        pairs = samples.zip(other.samples).select { |ours, theirs| both?(ours, theirs, figure) }
        pairs.map { |ours, theirs| ours[figure].fdiv(theirs[figure]) }
      end

      def ratio(other, figure)
        ratios = other ? ratios(other, figure) : []
        Statistics.median(ratios) if ratios.any?
      end

      def figures = samples.flat_map(&:keys).uniq

      private

      def both?(ours, theirs, figure) = ours[figure] && theirs && theirs[figure]&.positive?
    end

    attr_reader :options, :entries
    attr_accessor :minutes, :strangers

    def initialize(options)
      @options = options
      @entries = []
      @strangers = []
    end

    def empty? = entries.empty?

    def add(scenario, entrants)
      entrants.each do |it|
        entries << Entry.new(scenario: scenario, row: it.row.name, server: it.name, samples: it.samples,
                             failure: it.failure, headline: it.row.headline)
      end
    end

    # Nothing of these could be measured.
    def fail(scenario, rows, why)
      rows.each do |row|
        entries << Entry.new(scenario: scenario, row: row.name, server: "thrust", samples: [], failure: why)
      end
    end

    def beside(entry, server) = entries.find { _1.name == entry.name && _1.server == server }
    def find(name, server) = entries.find { _1.name == name && _1.server == server }
  end
end
