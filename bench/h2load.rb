# frozen_string_literal: true

# The load generator for HTTP/2, and for HTTP/1.1 at a rate over TLS. With TLS it believes any certificate.

require "tempfile"
require_relative "certificate"
require_relative "debian"
require_relative "failure"
require_relative "machine"
require_relative "program"
require_relative "result"
require_relative "statistics"

module Bench
  # `connections` with `streams` requests at once on each.
  H2load = Struct.new(:path, :length, :connections, :streams, :secure, :version, keyword_init: true) do
    # As fast as it goes, or at a `rate` of requests a second.
    def run(port, seconds:, rate: nil)
      Tempfile.create("h2load") do |log|
        File.unlink(log.path) # h2load wants to make it
        output = Program.output(*command(port, seconds, rate), "--log-file=#{log.path}", url(port))
        verify_agreement(port, output) if secure
        requests = verify_answers(port, output)
        weigh(port, output, requests * length, (requests + connections * streams) * length)
        result(output, requests, seconds, File.readlines(log.path))
      end
    end

    private

    def command(port, seconds, rate)
      [Debian.locate("h2load"), "--threads", [Machine.cores, connections].min, "--clients", connections,
       "--max-concurrent-streams", streams, "--duration", "#{(seconds * 1000).round}ms",
       "--connect-to", "127.0.0.1:#{port}",
       *("--h1" if version == "1.1"), *("--rps=#{rate / connections}" if rate)]
    end

    def url(port) = "#{secure ? "https" : "http"}://#{Certificate::NAME}:#{port}#{path}"

    # The log has a line for each: when it began, the status, and microseconds.
    def result(output, requests, seconds, lines)
      waits = lines.map { _1.split("\t").last.to_i / 1e3 }.sort
      Result.new(seconds: seconds.to_f, requests: requests, bytes: figure(output, /^traffic: \S+ \((\d+)\) total/),
                 p50: Statistics.percentile(waits, 50), p99: Statistics.percentile(waits, 99), worst: waits.last)
    end

    # What it says of the connections, for they are to be compared.
    def verify_agreement(port, output)
      { "TLS Protocol" => "TLSv1.3", "Cipher" => "TLS_AES_128_GCM_SHA256",
        "Application protocol" => version == "1.1" ? "http/1.1" : "h2" }.each do |what, expected|
        agreed = output[/^#{what}: (.*)/, 1]
        raise Failure, "port #{port}, #{what}: #{agreed.inspect}, not #{expected}" unless agreed == expected
      end
    end

    # Returns how many there were. Of what was under way when the time was over, heads may have come, and are counted.
    def verify_answers(port, output)
      done = figure(output, /(\d+) done/)
      failed = %w[failed errored timeout 3xx 4xx 5xx].sum { figure(output, /(\d+) #{_1}/) }
      good = figure(output, /(\d+) 2xx/)
      return done if done.positive? && failed.zero? && good.between?(done, done + connections * streams)

      raise Failure, "port #{port}: #{output[/^requests:.*\n.*/].tr("\n", ",")}"
    end

    def weigh(port, output, least, most)
      bytes = figure(output, /\((\d+)\) data/)
      return if bytes.between?(least, most)

      raise Failure, "port #{port} sent #{bytes} bytes of bodies in the place of #{least}-#{most}"
    end

    def figure(output, pattern)
      output[pattern, 1]&.to_i || raise(Failure, "h2load failed: #{output.lines.last(5).join.strip}")
    end
  end
end
