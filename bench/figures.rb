# frozen_string_literal: true

# The table: what was measured of each server in each row. Ratios are to nginx in the same row.

require_relative "limits"
require_relative "table"

module Bench
  module Figures
    THEIRS = "nginx"
    HEADINGS = ["", "", "CPU us", ": nginx", "per second", ": nginx", "p50 ms", "p99 ms", ": nginx", "at/s", "MB",
                "besides"].freeze

    # What only some rows have, in the last column.
    BESIDES = {
      length: "%d bytes", pages: "%d pages/s", page_bytes: "of %d bytes", executable: "executable %.2f MB",
      rest: "%.1f MB at rest", pss: "PSS %.1f", each: "%.1f kB a connection", listening: "listens after %.1f ms",
      answer: "answers after %.1f ms", unfairness: "worst : median %.2f"
    }.freeze

    def self.table(report)
      table = Table.new(*HEADINGS, remark: true)
      last = nil
      report.entries.each do |entry|
        table.row(entry.name == last ? "" : entry.name, entry.server, *cells(report, entry))
        last = entry.name
      end
      table
    end

    def self.cells(report, entry)
      return [*[""] * (HEADINGS.size - 3), "not measured: #{entry.failure.lines.first.to_s.chomp}"] if entry.failure

      nginx = report.beside(entry, THEIRS)
      [form("%.1f", entry.median(:cpu)), form("%.2f", entry.ratio(nginx, :cpu)),
       count(entry.median(:per_second)), form("%.2f", entry.ratio(nginx, :per_second)),
       form("%.2f", entry.median(:p50)), form("%.2f", entry.median(:p99)), form("%.2f", entry.ratio(nginx, :p99)),
       count(entry.median(:rate)), form("%.1f", entry.median(:memory)&./(1e6)), besides(report, entry)]
    end

    def self.besides(report, entry)
      figures = lengths_differ?(report, entry) ? BESIDES : BESIDES.except(:length)
      words = figures.filter_map { |figure, words| form(words, entry.median(figure)) }
      misses = Limits.misses(report, entry)
      words << "FAIL: #{misses.join("; ")}" if misses.any?
      words.join(", ")
    end

    def self.legend(report)
      options = report.options
      <<~TEXT.chomp
        CPU is that of all processes of a proxy, for each request (handshake, message, event). Ratios are to nginx,
        taken within each round. p50 and p99 are at an even rate, the same for all, where at/s has one, else as fast as
        it goes. MB is the most that was resident. Medians of #{options.rounds} rounds of #{options.seconds} s.
        Access log: #{options.log}. #{format("%.1f", report.minutes)} minutes, in which programs that are no part of this
        took #{strangers(report)} % of the machine.
      TEXT
    end

    # Everyone has coded the same in another way.
    def self.lengths_differ?(report, entry)
      report.entries.select { _1.name == entry.name }.map { _1.median(:length) }.uniq.size > 1
    end

    def self.strangers(report) = (report.strangers.sum / [report.strangers.size, 1].max).round
    def self.form(words, number) = (format(words, number) if number)

    # With commas; small ones not in whole numbers.
    def self.count(number)
      return unless number

      number < 100 ? format("%.1f", number) : number.round.to_s.gsub(/(?<=\d)(?=(\d{3})+\z)/, ",")
    end
    private_class_method :cells, :besides, :lengths_differ?, :strangers, :form, :count
  end
end
