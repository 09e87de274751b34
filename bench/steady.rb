# frozen_string_literal: true

# Requests of HTTP/1.1 at an even rate, by an example of thruster-test: what two servers make others wait can be
# compared only when both are asked as often.

require "tempfile"
require_relative "example"
require_relative "result"

module Bench
  LOAD = Example.new("load")

  module Steady
    # The block is called when all are connected.
    def self.run(port, ask, connections:, rate:, seconds:, &connected)
      Tempfile.create("request", binmode: true) do |file|
        file.write(request(port, ask))
        file.close
        output = LOAD.run("steady", "127.0.0.1:#{port}", file.path, connections, rate, seconds, &connected)
        Result.read(output, "requests at a rate, to port #{port}")
      end
    end

    # As wrk makes it.
    def self.request(port, ask)
      fields = { "Host" => "127.0.0.1:#{port}", **ask.fields.to_h }
      fields["Content-Length"] = ask.upload if ask.upload
      lines = fields.map { |name, value| "#{name}: #{value}\r\n" }
      "#{ask.upload ? "POST" : "GET"} #{ask.path} HTTP/1.1\r\n#{lines.join}\r\n#{"u" * ask.upload.to_i}"
    end
    private_class_method :request
  end
end
