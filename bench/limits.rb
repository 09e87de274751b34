# frozen_string_literal: true

# Every limit there is, and which of them thrust misses. A figure that could not be taken keeps no limit.

module Bench
  # A figure of thrust's, in the `rows` of that name or pattern, as it is, or beside that of `other`: the name of a
  # server in the same row, or of a row with the same server.
  Limit = Struct.new(:what, :figure, :bound, :number, :other, :rows, :form, keyword_init: true) do
    def concerns?(entry) = (rows.nil? || rows === entry.name) && entry.figures.include?(figure)

    def measured(report, entry)
      return entry.median(figure) unless other

      entry.ratio(report.beside(entry, other) || report.find(other, entry.server), figure)
    end

    def kept?(value) = bound == :at_most ? value <= number : value >= number
    def words(value) = "#{what} #{format(form || "%.2f", value)}, #{bound.to_s.tr("_", " ")} #{number.round(2)}"
  end

  module Limits
    OURS = "thrust"

    ALL = [
      Limit.new(what: "CPU beside nginx", figure: :cpu, bound: :at_most, number: 1.0, other: "nginx"),
      Limit.new(what: "CPU beside caddy", figure: :cpu, bound: :at_most, number: 0.2, other: "caddy"),
      Limit.new(what: "p99 beside nginx", figure: :p99, bound: :at_most, number: 1.25, other: "nginx"),
      # Of hits for everyone and of connections: that there are many more.
      Limit.new(what: "requests/s beside 10 connections", figure: :per_second, bound: :at_least, number: 2 / 3.0,
                rows: "connections: 1 KB, 10000 connections", other: "connections: 1 KB, 10 connections"),
      Limit.new(what: "requests/s beside 1,000 entries", figure: :per_second, bound: :at_least, number: 0.9,
                rows: "cache-size: 1000000 entries", other: "cache-size: 1000 entries"),
      Limit.new(what: "MB of the executable", figure: :executable, bound: :at_most, number: 6),
      Limit.new(what: "MB at rest", figure: :rest, bound: :at_most, number: 4, form: "%.1f"),
      Limit.new(what: "kB a connection", figure: :each, bound: :at_most, number: 10, form: "%.1f"),
      Limit.new(what: "ms to listening", figure: :listening, bound: :at_most, number: 10, form: "%.1f"),
      Limit.new(what: "worst to median wait", figure: :unfairness, bound: :at_most, number: 1.3),
      # A run of a few seconds is no more exact than that.
      Limit.new(what: "requests/s beside Puma alone", figure: :per_second, bound: :at_least, number: 0.98,
                rows: /\Afairness:/, other: "no proxy")
    ].freeze

    # The misses of one entry, in words; nothing if it is not ours.
    def self.misses(report, entry)
      return [] unless entry.server == OURS
      return ["not measured"] if entry.failure

      verdicts(report, entry).reject { |limit, value| limit.kept?(value) }.map { |limit, value| limit.words(value) }
    end

    # How many limits an entry is held against.
    def self.count(report, entry)
      return 0 unless entry.server == OURS

      entry.failure ? 1 : verdicts(report, entry).size
    end

    # A row that a limit compares with may be missing: then there is no verdict.
    def self.verdicts(report, entry)
      ALL.select { _1.concerns?(entry) }.filter_map do |limit|
        value = limit.measured(report, entry)
        [limit, value] if value
      end
    end
    private_class_method :verdicts
  end
end
