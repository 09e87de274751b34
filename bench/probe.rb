# frozen_string_literal: true

# One GET with the fields that wrk will send and no others, and a look at what comes: is it a hit, is it coded, is it
# right? To be asked before anything is measured.

require "net/http"
require "open3"
require "zlib"
require_relative "clock"
require_relative "debian"
require_relative "failure"

module Bench
  module Probe
    PATIENCE = 20 # seconds until it must be a hit, and coded: generous, codings are made when there is time

    # What the answer must be. `text` is the body when decoded, `range` the Content-Range.
    Expected = Struct.new(:status, :coding, :text, :range)

    # What a proxy takes for itself.
    HIDDEN = %w[X-Sendfile X-Accel-Redirect].freeze

    def self.get(port, path, fields = {})
      request = Net::HTTP::Get.new(path)
      # Said once, so that Net::HTTP hands out what came; taken back, because wrk says nothing of the kind.
      request["Accept-Encoding"] = "identity"
      request.delete("Accept-Encoding")
      fields.each { |name, value| request[name] = value }
      Net::HTTP.start("127.0.0.1", port, nil) { _1.request(request) }
    end

    # Asks once and verifies the answer, which need not be kept; returns the bytes of its body.
    def self.check(server, ask, expected)
      answer = get(server.port, ask.path, ask.fields.to_h)
      raise Failure, "#{server.name}: #{description(answer)}" unless coding(answer) == expected.coding

      verify(server, answer, expected)
      answer.body.to_s.bytesize
    end

    # Asks until the answer comes from the cache as it should, verifies it, and returns the bytes of its body.
    def self.settle(server, ask, expected)
      deadline = Clock.now + PATIENCE
      loop do
        answer = get(server.port, ask.path, ask.fields.to_h)
        if hit?(answer) && kept?(answer) && coding(answer) == expected.coding
          verify(server, answer, expected)
          return answer.body.to_s.bytesize
        end
        raise Failure, "#{server.name}: #{description(answer)}" if Clock.now > deadline

        sleep 0.05
      end
    end

    def self.hit?(answer) = answer["X-Cache"].to_s.casecmp?("hit")

    # Until it has the coding, thrust makes one for each client, whose length it cannot tell.
    def self.kept?(answer) = answer["Content-Length"] || answer["Cache-Status"].nil? || answer.code == "304"

    def self.coding(answer) = answer["Content-Encoding"]

    def self.description(answer)
      "X-Cache: #{answer["X-Cache"]}, Content-Encoding: #{coding(answer) || "none"}, status #{answer.code}"
    end

    def self.verify(server, answer, expected)
      raise Failure, "#{server.name} answers #{answer.code}" unless answer.code == expected.status
      raise Failure, "#{server.name} answers something else than the origin" unless decode(answer) == expected.text

      range = answer["Content-Range"]
      raise Failure, "#{server.name} answers the part #{range.inspect}" unless range == expected.range
      raise Failure, "#{server.name} shows what was meant for it" if HIDDEN.any? { answer[_1] }
    rescue Zlib::Error => error
      raise Failure, "#{server.name} sends what is no gzip: #{error.message}"
    end

    def self.decode(answer)
      case coding(answer)
      when nil then answer.body.to_s.b
      when "gzip" then Zlib.gunzip(answer.body)
      when "br" then decompress("brotli", answer.body)
      when "zstd" then decompress("zstd", answer.body)
      end
    end

    def self.decompress(program, body)
      Open3.capture2(Debian.locate(program), "--decompress", "--stdout", stdin_data: body, binmode: true).first
    end
    private_class_method :hit?, :kept?, :coding, :description, :verify, :decode, :decompress
  end
end
