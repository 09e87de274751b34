# frozen_string_literal: true

# The load generator.

require_relative "failure"
require_relative "machine"

module Bench
  module Wrk
    Result = Struct.new(:per_second, :requests, :p50, :p99, keyword_init: true) # latencies in milliseconds

    # What to ask for. `endings` is a file with an end of the path on each line, to be asked for one after the other.
    Ask = Struct.new(:path, :fields, :endings) do
      def options = fields.to_h.flat_map { |name, value| ["--header", "#{name}: #{value}"] }
      def arguments = endings ? ["--", endings, path] : []
    end
    ROOT = Ask.new("/")

    def self.run(port, ask = ROOT, connections:, seconds:)
      figures = measure("wrk", "--threads", [Machine.cores, connections].min.to_s, "--connections", connections.to_s,
                        "--duration", "#{seconds}s", "--script", File.join(__dir__, "wrk.lua"), *ask.options,
                        "http://127.0.0.1:#{port}#{ask.path}", *ask.arguments)
      failed = figures.fetch("failed")
      raise Failure, "#{failed.to_i} requests to port #{port} failed, so the others say nothing" if failed.positive?

      requests = figures.fetch("requests")
      Result.new(requests: requests, per_second: requests / (figures.fetch("microseconds") / 1e6),
                 p50: figures.fetch("p50") / 1e3, p99: figures.fetch("p99") / 1e3)
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
