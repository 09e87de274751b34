# frozen_string_literal: true

# Handshakes of TLS 1.3 as often as they can be had, each on a connection of its own, by the example of thruster-test,
# which sees to it that each is what was asked for.

require_relative "certificate"
require_relative "failure"
require_relative "fronts/thrust"

module Bench
  module Handshakes
    EXAMPLE = %w[--package thruster-test --example handshakes].freeze
    EXECUTABLE = File.join(Fronts::Thrust::TARGET, "release/examples/handshakes")

    # A request of these is a handshake.
    Result = Struct.new(:seconds, :requests, keyword_init: true) do
      def per_second = requests / seconds
    end

    def self.build
      system("cargo", "build", "--release", "--locked", "--quiet", *EXAMPLE, chdir: ROOT) ||
        raise(Failure, "the handshakes do not build: cargo build --release --locked #{EXAMPLE.join(" ")}")
    end

    # `kind` is "full" or "resumed".
    def self.run(port, kind, authority:, seconds:)
      command = [EXECUTABLE, "127.0.0.1:#{port}", Certificate::NAME, authority, kind, seconds.to_s]
      output = IO.popen(command, err: %i[child out]) do |handshakes|
        handshakes.read
      ensure
        Process.kill(:TERM, handshakes.pid) # does nothing unless we were interrupted
      end
      count, time = output.match(/^(\d+) handshakes in ([\d.]+) s$/)&.captures
      raise Failure, "port #{port}, #{kind} handshakes: #{output.lines.first(3).join.strip}" unless count.to_i.positive?

      Result.new(requests: count.to_i, seconds: time.to_f)
    end
  end
end
