# frozen_string_literal: true

# The load generator.

require_relative "failure"
require_relative "machine"

module Bench
  module Wrk
    # Latencies in milliseconds; the bytes are those of heads and bodies.
    Result = Struct.new(:seconds, :requests, :bytes, :p50, :p99, :worst, keyword_init: true) do
      def per_second = requests / seconds
      def gigabytes_per_second = bytes / seconds / 1e9
    end

    # What to ask for. `endings` is a file with an end of the path on each line, to be asked for one after the other;
    # `pause` the most milliseconds that a connection waits after an answer, by chance; without it, it does not wait.
    Ask = Struct.new(:path, :fields, :endings, :pause) do
      def options = fields.to_h.flat_map { |name, value| ["--header", "#{name}: #{value}"] }

      def arguments
        return ["--", "endings", endings, path] if endings

        pause ? ["--", "pause", pause.to_s] : []
      end
    end
    ROOT = Ask.new("/")

    # With the name of a certificate, over TLS (wrk believes any certificate, and speaks HTTP/1.1 alone).
    def self.run(port, ask = ROOT, connections:, seconds:, secure: nil)
      figures = measure("wrk", "--threads", [Machine.cores, connections].min.to_s, "--connections", connections.to_s,
                        "--duration", "#{seconds}s", "--script", File.join(__dir__, "wrk.lua"), *ask.options,
                        "#{secure ? "https://#{secure}" : "http://127.0.0.1"}:#{port}#{ask.path}", *ask.arguments)
      failed = figures.fetch("failed")
      raise Failure, "#{failed.to_i} requests to port #{port} failed, so the others say nothing" if failed.positive?

      latencies = %w[p50 p99 worst].to_h { |name| [name.to_sym, figures.fetch(name) / 1e3] }
      Result.new(requests: figures.fetch("requests"), bytes: figures.fetch("bytes"),
                 seconds: figures.fetch("microseconds") / 1e6, **latencies)
    end

    def self.measure(*command)
      output = IO.popen(command, err: %i[child out]) do |wrk|
        wrk.read
      ensure
        Process.kill(:TERM, wrk.pid) # does nothing unless we were interrupted: closing the pipe waits for its end
      end
      _, result = output.split("RESULT\n")
      raise Failure, "wrk failed: #{output}" unless result

      result.lines.to_h { |line| line.split.then { |name, number| [name, Float(number)] } }
    end
    private_class_method :measure
  end
end
