# frozen_string_literal: true

require "digest"

module Demo
  # 50 MB that are nowhere on disk: one block of noise, repeated. Noise, so that compressing it would be a waste; the
  # same each time, so that its checksum is known.
  class Download
    BLOCK = Random.new(1).bytes(64 * 1024).freeze
    BLOCKS = 800
    SIZE = BLOCK.bytesize * BLOCKS

    def self.call(_request)
      headers = {
        "content-type" => "application/octet-stream",
        "content-length" => SIZE.to_s,
        "content-disposition" => 'attachment; filename="noise.bin"',
        "cache-control" => "no-store",
        "repr-digest" => "sha-256=:#{checksum}:" # RFC 9530, section 3
      }
      [200, headers, new]
    end

    def self.checksum
      @checksum ||= new.each.with_object(Digest::SHA256.new) { |block, digest| digest << block }.base64digest
    end

    def each
      return to_enum unless block_given?

      BLOCKS.times { yield BLOCK }
    end
  end
end
