# frozen_string_literal: true

# The load generator for HTTP/2 over TLS.

require_relative "certificate"
require_relative "debian"
require_relative "failure"
require_relative "machine"

module Bench
  module H2load
    # Bytes are those of heads and bodies as HTTP/2 sends them, without TLS.
    Result = Struct.new(:seconds, :requests, :bytes, keyword_init: true) do
      def per_second = requests / seconds
    end

    # What it says of the connections, for they are to be compared.
    AGREED = { "TLS Protocol" => "TLSv1.3", "Cipher" => "TLS_AES_128_GCM_SHA256",
               "Application protocol" => "h2" }.freeze

    # Asks for `path`, whose answers have bodies of `length` bytes, over and over, `streams` times at once on each
    # connection. It believes any certificate.
    def self.run(port, path, length:, connections:, streams:, seconds:)
      output = measure(Debian.locate("h2load"), "--threads", [Machine.cores, connections].min.to_s,
                       "--clients", connections.to_s, "--max-concurrent-streams", streams.to_s,
                       "--duration", "#{seconds}s", "--connect-to", "127.0.0.1:#{port}",
                       "https://#{Certificate::NAME}:#{port}#{path}")
      verify_agreement(port, output)
      requests = verify_answers(port, output, connections * streams)
      weigh(port, output, requests * length, (requests + connections * streams) * length)
      Result.new(seconds: seconds.to_f, requests: requests, bytes: figure(output, /^traffic: \S+ \((\d+)\) total/))
    end

    def self.measure(*command)
      IO.popen(command, err: %i[child out]) do |h2load|
        h2load.read
      ensure
        Process.kill(:TERM, h2load.pid) # does nothing unless we were interrupted: closing the pipe waits for its end
      end
    end

    def self.verify_agreement(port, output)
      AGREED.each do |what, expected|
        agreed = output[/^#{what}: (.*)/, 1]
        raise Failure, "port #{port}, #{what}: #{agreed.inspect}, not #{expected}" unless agreed == expected
      end
    end

    # Returns how many there were. Of what was `under_way` when the time was over, heads may have come, and are counted.
    def self.verify_answers(port, output, under_way)
      done = figure(output, /(\d+) done/)
      failed = %w[failed errored timeout 3xx 4xx 5xx].sum { figure(output, /(\d+) #{_1}/) }
      good = figure(output, /(\d+) 2xx/)
      return done if done.positive? && failed.zero? && good.between?(done, done + under_way)

      raise Failure, "port #{port}: #{output[/^requests:.*\n.*/].tr("\n", ",")}"
    end

    def self.weigh(port, output, least, most)
      bytes = figure(output, /\((\d+)\) data/)
      return if bytes.between?(least, most)

      raise Failure, "port #{port} sent #{bytes} bytes of bodies in the place of #{least}-#{most}"
    end

    def self.figure(output, pattern)
      output[pattern, 1]&.to_i || raise(Failure, "h2load failed: #{output.lines.last(5).join.strip}")
    end
    private_class_method :measure, :verify_agreement, :verify_answers, :weigh, :figure
  end
end
