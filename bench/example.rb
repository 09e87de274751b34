# frozen_string_literal: true

# The load generators of our own: examples of thruster-test.

require_relative "failure"
require_relative "fronts/thrust"
require_relative "program"

module Bench
  class Example
    ALL = []
    READY = "READY\n"

    def self.build = ALL.each(&:build)

    def initialize(name)
      @name = name
      ALL << self
    end

    def build
      words = ["--package", "thruster-test", "--example", @name]
      system("cargo", "build", "--release", "--locked", "--quiet", *words, chdir: ROOT) ||
        raise(Failure, "a load generator does not build: cargo build --release --locked #{words.join(" ")}")
    end

    def path = File.join(Fronts::Thrust::TARGET, "release/examples", @name)

    # Returns what it prints. One that is connected, says so, and begins when the block has returned.
    def run(*words)
      Program.output(path, *words) do |program|
        first = program.gets
        next first unless first == READY

        yield if block_given?
        program.puts
        nil
      end
    end
  end
end
