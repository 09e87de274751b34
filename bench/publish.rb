# frozen_string_literal: true

# The end of a run: one table with the limits that are missed, and bench/results, for other programs and to look at.

require "fileutils"
require_relative "chart"
require_relative "figures"
require_relative "limits"
require_relative "results"

module Bench
  module Publish
    FOLDER = File.expand_path("results", __dir__)

    # Returns true when every figure is within its limit.
    def self.run(report)
      puts "", Figures.table(report), "", Figures.legend(report), ""
      misses = report.entries.sum { Limits.misses(report, _1).size }
      limits = report.entries.sum { Limits.count(report, _1) }
      puts "thrust keeps #{limits - misses} of #{limits} limits; the others are marked FAIL.", "", save(report)
      misses.zero?
    end

    def self.save(report)
      FileUtils.mkdir_p(FOLDER)
      files = { "results.json" => Results.json(report), "chart.svg" => Chart.new(report).svg }.compact
      files.map do |name, text|
        path = File.join(FOLDER, name)
        File.write(path, text)
        "Written: #{path.delete_prefix("#{Dir.pwd}/")}"
      end
    end
    private_class_method :save
  end
end
