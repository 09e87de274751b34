# frozen_string_literal: true

# Measures thrust beside nginx, caddy, haproxy and Puma. Each scenario is one file below scenarios/; everything else
# here is the vocabulary they are written in.

require_relative "options"
require_relative "machine"
require_relative "debian"
require_relative "descriptors"
require_relative "session"
require_relative "levels"
require_relative "publish"

module Bench
  ROOT = File.expand_path("..", __dir__)

  # Whoever is compared with whom, these load, ask and look.
  TOOLS = %w[nginx wrk h2load curl].freeze

  # Returns true when every figure is within its limit.
  def self.run(arguments)
    options = Options.parse(arguments)
    $stdout.sync = true # a run takes minutes; whoever reads it through a pipe wants to follow
    return Levels.print if options.levels

    Debian.provide(*TOOLS, *options.against, *options.scenarios.flat_map { _1::NEEDS })
    Fronts::Thrust.build
    Example.build
    Descriptors.allow(options.scenarios.map { _1::CLIENTS }.max)
    puts Machine.statement
    Publish.run(Session.new(options).run)
  rescue Failure => failure
    abort "bench: #{failure.message}"
  rescue Interrupt
    abort "bench: interrupted"
  end
end

exit Bench.run(ARGV) if $PROGRAM_NAME == __FILE__
