# frozen_string_literal: true

# The command line: a scenario and how hard to try it.

require "optparse"
require "shellwords"
require_relative "failure"

module Bench
  Options = Struct.new(:scenario, :rounds, :seconds, :connections, :only, :log, :peers, keyword_init: true) do
    # Each scenario has its own defaults; what is not among them means nothing to it.
    def complete(defaults)
      %i[rounds seconds connections only].each do |name|
        raise Failure, "#{scenario} has no --#{name}" if self[name] && !defaults.key?(name)

        self[name] ||= defaults[name]
      end
      self
    end
  end

  class << Options
    USAGE = <<~TEXT
      Usage: bin/bench [proxy|cache|cache-size|files|compression|tls|memory|fairness] [options]

        proxy       thrust and nginx in front of the same fast origin: CPU per request (the default)
        cache       thrust and nginx's proxy_cache, answering from what they keep: CPU per hit
        cache-size  CPU per hit with a thousand entries in the cache, and with a million
        files       thrust and nginx, sending files that the application names, and files of a folder: CPU per request
        compression what the codings' levels cost, and who waits how long while long pages are compressed
        tls         handshakes, and requests over TLS, beside nginx and caddy: CPU per handshake and per request
        memory      size of the executable, memory at rest and with idle connections
        fairness    who waits how long when 12 clients share 2 Puma threads

    TEXT

    def parse(arguments)
      options = new(scenario: "proxy", log: :each, peers: [])
      words = parser(options).parse(arguments)
      options.scenario = words.shift || "proxy"
      raise Failure, "no scenario #{options.scenario}; see bin/bench --help" unless SCENARIOS.key?(options.scenario)
      raise Failure, "do not know what to do with #{words.join(" ")}" if words.any?

      options.complete(SCENARIOS[options.scenario]::DEFAULTS)
    rescue OptionParser::ParseError => error
      raise Failure, error.message
    end

    private

    def parser(options)
      OptionParser.new(USAGE) do |on|
        on.on("--rounds N", Integer, "times each is measured, in turn") { options.rounds = positive(_1) }
        on.on("--seconds N", Integer, "length of each measurement") { options.seconds = positive(_1) }
        on.on("--connections N", Integer, "connections, or clients") { options.connections = positive(_1) }
        on.on("--only TEXT", "rows of a table whose name has this in it") { options.only = _1 }
        on.on("--log HOW", %i[each buffered off],
              "nginx's access log: each (default), buffered, off (thrust's too)") { options.log = _1 }
        on.on("--no-log", "the same as --log off") { options.log = :off }
        on.on("--peer NAME=COMMAND", "measure this too: it listens on $HTTP_PORT and",
              "asks 127.0.0.1:$TARGET_PORT; may be repeated") { options.peers << peer(_1) }
      end
    end

    def positive(number)
      raise OptionParser::InvalidArgument, number.to_s unless number.positive?

      number
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
