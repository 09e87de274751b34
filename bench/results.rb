# frozen_string_literal: true

# What a run has measured, for other programs: every sample of every round, and what it was taken on.

require "json"
require "time"
require_relative "debian"
require_relative "limits"
require_relative "machine"

module Bench
  module Results
    def self.json(report)
      options = report.options
      JSON.pretty_generate(
        time: Time.now.utc.iso8601, machine: Machine.description, versions: Debian.versions,
        rounds: options.rounds, seconds: options.seconds, log: options.log, minutes: report.minutes.round(1),
        strangers_percent: report.strangers.map { _1.round(1) }, rows: report.entries.map { row(report, _1) }
      )
    end

    def self.row(report, entry)
      nginx = report.beside(entry, "nginx")
      figures = entry.figures
      { name: entry.name, server: entry.server, failure: entry.failure,
        medians: figures.to_h { [_1, entry.median(_1)] },
        beside_nginx: (figures.to_h { [_1, entry.ratio(nginx, _1)] } if nginx),
        missed: Limits.misses(report, entry), samples: entry.samples }.compact
    end
    private_class_method :row
  end
end
