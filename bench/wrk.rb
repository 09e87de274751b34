# frozen_string_literal: true

# The load generator for HTTP/1.1, as fast as it goes.

require_relative "machine"
require_relative "program"
require_relative "result"

module Bench
  module Wrk
    # What to ask for. `endings` is a file with an end of the path on each line, to be asked for one after the other;
    # `pause` the most milliseconds that a connection waits after an answer, by chance; without it, it does not wait.
    # `upload` is how many bytes to send.
    Ask = Struct.new(:path, :fields, :endings, :pause, :upload, keyword_init: true) do
      def self.to(path, **fields) = new(path: path, fields: fields.transform_keys { _1.to_s.tr("_", "-") })

      def options = fields.to_h.flat_map { |name, value| ["--header", "#{name}: #{value}"] }

      def arguments
        return ["--", "endings", endings, path] if endings
        return ["--", "upload", upload.to_s] if upload

        pause ? ["--", "pause", pause.to_s] : []
      end
    end
    ROOT = Ask.to("/")

    # With the name of a certificate, over TLS (wrk believes any certificate, and speaks HTTP/1.1 alone).
    def self.run(port, ask = ROOT, connections:, seconds:, secure: nil)
      output = Program.output("wrk", "--threads", [Machine.cores, connections].min, "--connections", connections,
                              "--duration", "#{seconds}s", "--timeout", "20s",
                              "--script", File.join(__dir__, "wrk.lua"), *ask.options,
                              "#{secure ? "https://#{secure}" : "http://127.0.0.1"}:#{port}#{ask.path}",
                              *ask.arguments)
      Result.read(output, "wrk at port #{port}")
    end
  end
end
