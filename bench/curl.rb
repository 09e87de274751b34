# frozen_string_literal: true

# One GET over HTTP/2 or TLS, from a client that looks at the certificate: which HTTP was spoken, what came, and whether
# that was a hit. To be asked before anything is measured.

require_relative "certificate"
require_relative "clock"
require_relative "debian"
require_relative "failure"
require_relative "program"

module Bench
  module Curl
    PATIENCE = 20 # seconds until it must be a hit

    # `version` is that of HTTP: 1.1 or 2. Without a certificate, it is 2.
    Answer = Struct.new(:version, :status, :cache, :body)

    # Asks once, and looks at what comes.
    def self.check(server, path, version:, body:, certificate:)
      answer = get(server, path, version, certificate)
      verify(server, answer, version, body)
    end

    # Asks until the answer comes from the cache, and looks at that one.
    def self.settle(server, path, version:, body:, certificate:)
      deadline = Clock.now + PATIENCE
      until (answer = get(server, path, version, certificate)).cache.casecmp?("hit")
        raise Failure, "#{server.name}: X-Cache: #{answer.cache}" if Clock.now > deadline

        sleep 0.05
      end
      verify(server, answer, version, body)
    end

    def self.get(server, path, version, certificate)
      command = [Debian.locate("curl"), "--silent", "--show-error", "--include", "--ipv4"]
      output = Program.output(*command, *(certificate ? trusting(certificate, version) : "--http2-prior-knowledge"),
                              "#{certificate ? "https" : "http"}://#{Certificate::NAME}:#{server.port}#{path}")
      raise Failure, "#{server.name}: #{output.strip}" unless $?.success?

      head, body = output.split("\r\n\r\n", 2)
      version, status = head.split("/", 2).last.split
      Answer.new(version, status, head[/^x-cache: *(\S+)/i, 1].to_s, body)
    end

    def self.trusting(certificate, version) = ["--http#{version}", "--cacert", certificate.authority]

    def self.verify(server, answer, version, body)
      raise Failure, "#{server.name} answers in HTTP/#{answer.version}" unless answer.version == version
      raise Failure, "#{server.name} answers #{answer.status}" unless answer.status == "200"
      raise Failure, "#{server.name} answers something else than the origin" unless answer.body == body.b
    end
    private_class_method :get, :trusting, :verify
  end
end
