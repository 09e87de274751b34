# frozen_string_literal: true

# Measures thrust beside nginx and Puma. Each scenario is one file below scenarios/; everything else here
# is the vocabulary they are written in.

require_relative "options"
require_relative "machine"
require_relative "debian"
require_relative "lab"
require_relative "limits"
require_relative "scenarios/proxy"
require_relative "scenarios/cache"
require_relative "scenarios/cache_size"
require_relative "scenarios/files"
require_relative "scenarios/compression"
require_relative "scenarios/tls"
require_relative "scenarios/memory"
require_relative "scenarios/fairness"

module Bench
  ROOT = File.expand_path("..", __dir__)

  # Returns true when every figure is within its limit.
  def self.run(arguments)
    options = Options.parse(arguments)
    scenario = SCENARIOS.fetch(options.scenario)
    $stdout.sync = true # a run takes minutes; whoever reads it through a pipe wants to follow

    Debian.provide(*scenario::NEEDS)
    Fronts::Thrust.build
    puts Machine.statement
    limits = Limits.new
    Lab.open { |lab| scenario.run(lab, options, limits) }
    limits.kept?
  rescue Failure => failure
    abort "bench: #{failure.message}"
  rescue Interrupt
    abort "bench: interrupted"
  end

  SCENARIOS = { "proxy" => Proxy, "cache" => Cache, "cache-size" => CacheSize, "files" => Files,
                "compression" => Compression, "tls" => Tls, "memory" => Memory, "fairness" => Fairness }.freeze
end

exit Bench.run(ARGV) if $PROGRAM_NAME == __FILE__
