# frozen_string_literal: true

require "digest"

# `GET /SIZE` sends that many random bytes, always the same; `POST /` answers with the digest of what it got.
class Download
  def initialize(size)
    @size = size
  end

  def each
    random = Random.new(@size)
    @size.fdiv(65_536).ceil.times { |n| yield random.bytes([65_536, @size - (n * 65_536)].min) }
  end
end

run(lambda do |env|
  if env["REQUEST_METHOD"] == "POST"
    digest = Digest::SHA256.new
    while (piece = env["rack.input"].read(65_536))
      digest << piece
    end
    [200, { "content-type" => "text/plain" }, [digest.hexdigest]]
  else
    size = Integer(env["PATH_INFO"].delete("/"))
    [200, { "content-type" => "application/octet-stream", "content-length" => size.to_s }, Download.new(size)]
  end
end)
