# frozen_string_literal: true

# One run of the benchmark: scenarios one after the other, each in a lab of its own, and what they come to.

require_relative "clock"
require_relative "company"
require_relative "failure"
require_relative "heat"
require_relative "lab"
require_relative "report"

module Bench
  class Session
    def initialize(options)
      @options = options
      @report = Report.new(options)
    end

    def run
      started = Clock.now
      @options.scenarios.each { |scenario| Lab.open { |lab| run_scenario(scenario, lab) } }
      raise Failure, "no row has #{@options.only} in its name" if @report.empty?

      @report.minutes = (Clock.now - started) / 60
      @report
    end

    private

    # Rows that are compared with each other are in one list, and measured together.
    def run_scenario(scenario, lab)
      $stderr.puts "#{SCENARIOS.key(scenario)} ..." unless $stderr.tty?
      scenario.rows(lab, @options).each do |row_or_rows|
        rows = [row_or_rows].flatten.select { @options.wants?("#{SCENARIOS.key(scenario)}: #{_1.name}") }
        next if rows.empty?

        @report.add(SCENARIOS.key(scenario), measure(rows, lab))
      rescue Failure => failure
        @report.fail(SCENARIOS.key(scenario), rows, failure.message)
      end
    ensure
      clear_line
    end

    def measure(rows, lab)
      entrants = nil
      @report.strangers << Company.during(lab) do
        entrants = Heat.new(rows, @options).run { |words| progress(words) }
      end
      entrants
    end

    # Where nobody looks, a line for each would only be in the way: the scenario's has to do.
    def progress(words)
      return unless $stderr.tty?

      clear_line
      $stderr.print(words)
    end

    def clear_line = ($stderr.print("\r\e[K") if $stderr.tty?)
  end
end
