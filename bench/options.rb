# frozen_string_literal: true

# The command line: which scenarios, beside whom, and how hard to try.

require "optparse"
require "shellwords"
require_relative "failure"
require_relative "scenarios"

module Bench
  Options = Struct.new(:scenarios, :rounds, :seconds, :only, :against, :log, :peers, :connections, :levels,
                       keyword_init: true) do
    # A copy that differs in this.
    def with(**changes) = dup.tap { |copy| changes.each { |name, value| copy[name] = value } }

    # What --only is about. Its words are those of the table's first column.
    def wants?(name) = name.downcase.include?(only.downcase)
    def names = scenarios.map { SCENARIOS.key(_1) }
  end

  class << Options
    AGAINST = %w[nginx caddy haproxy].freeze
    CONNECTIONS = 64 # where a scenario has no other number
    LOGS = %i[each buffered off].freeze

    def parse(arguments)
      options = new(rounds: 3, seconds: 1, only: "", against: AGAINST, log: :each, peers: [], connections: CONNECTIONS)
      words = parser(options).parse(arguments)
      unknown = words - SCENARIOS.keys
      raise Failure, "no scenario #{unknown.join(", ")}; see bin/bench --help" if unknown.any?

      options.scenarios = words.empty? ? SCENARIOS.values.select { _1::USUAL } : SCENARIOS.values_at(*words.uniq)
      options
    rescue OptionParser::ParseError => error
      raise Failure, error.message
    end

    private

    def parser(options)
      OptionParser.new(usage) do |on|
        on.on("--only TEXT", "rows whose name has this in it, such as 'cache: 20 KB'") { options.only = _1 }
        on.on("--rounds N", Integer, "times each is measured, in turn (3)") { options.rounds = positive(_1) }
        on.on("--seconds N", Integer, "length of each measurement (1)") { options.seconds = positive(_1) }
        on.on("--against NAMES", Array, "of #{AGAINST.join(", ")}; nginx always is") { options.against = rivals(_1) }
        on.on("--log HOW", LOGS, "nginx's access log: each (default), buffered, off (everyone's)") { options.log = _1 }
        on.on("--no-log", "the same as --log off") { options.log = :off }
        on.on("--peer NAME=COMMAND", "measure this too: it listens on $HTTP_PORT and",
              "asks 127.0.0.1:$TARGET_PORT; may be repeated") { options.peers << peer(_1) }
        on.on("--levels", "what the codings' levels cost; nothing else") { options.levels = true }
      end
    end

    def usage
      scenarios = SCENARIOS.map do |name, scenario|
        format("  %-12s %s%s", name, scenario::TITLE, (" (only by its name)" unless scenario::USUAL))
      end
      "Usage: bin/bench [SCENARIO...] [options]\n\n#{scenarios.join("\n")}\n\n"
    end

    def positive(number)
      raise OptionParser::InvalidArgument, number.to_s unless number.positive?

      number
    end

    def rivals(names)
      raise OptionParser::InvalidArgument, names.join(",") if (names - AGAINST).any?

      AGAINST & ["nginx", *names]
    end

    def peer(text)
      name, command = text.split("=", 2)
      raise OptionParser::InvalidArgument, text if name.empty? || command.to_s.strip.empty?

      program, *arguments = Shellwords.split(command)
      # It will be started elsewhere, in the lab's directory.
      [name, [program.include?("/") ? File.expand_path(program) : program, *arguments]]
    end
  end
end
