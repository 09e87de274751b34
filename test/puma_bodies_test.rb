# frozen_string_literal: true

require "test_helper"
require "digest"

# Uploads and downloads, small and large.
class PumaBodiesTest < ThrusterTest
  SIZE = 30_000_000

  def self.random_bytes(size)
    random = Random.new(size)
    Array.new(size.fdiv(65_536).ceil) { |n| random.bytes([65_536, size - (n * 65_536)].min) }.join
  end

  BYTES = random_bytes(SIZE).freeze

  test "a large upload arrives whole" do
    puma = thrust_puma("bytes")
    assert_equal Digest::SHA256.hexdigest(BYTES), puma.client.post("/", BYTES).body
    assert_equal SIZE, puma.await_requests.first["req_content_length"]
  end

  test "a large download arrives whole" do
    puma = thrust_puma("bytes")
    response = puma.get("/#{SIZE}")
    assert_equal SIZE, response.content_length
    assert_equal Digest::SHA256.hexdigest(BYTES), Digest::SHA256.hexdigest(response.body)
  end

  test "an upload in chunks arrives whole" do
    conversation = connect(thrust_puma("echo").port)
    conversation.ask("POST /", "Transfer-Encoding: chunked", "Connection: close")
    ["5\r\nhello\r\n", "6;note=1\r\n world\r\n", "0\r\n\r\n"].each { |chunk| conversation.write(chunk) }
    assert_includes conversation.read_to_end, '"body":"hello world"'
  end

  test "who asks first may send" do
    conversation = connect(thrust_puma("echo").port)
    conversation.ask("POST /", "Content-Length: 5", "Expect: 100-continue", "Connection: close")
    assert_match(%r{\AHTTP/1.1 100 }, conversation.read_head)
    conversation.write "hello"
    assert_match(%r{\AHTTP/1.1 200 .*"body":"hello"}m, conversation.read_to_end)
  end

  test "who sends without waiting for the answer is served as well" do
    conversation = connect(thrust_puma("echo").port)
    conversation.ask("POST /", "Content-Length: 5", "Expect: 100-continue", "Connection: close")
    conversation.write "hello"
    assert_match(%r{HTTP/1.1 200 .*"body":"hello"}m, conversation.read_to_end)
  end

  { "1MB" => [900_000, 1_100_000], "1MiB" => [1_048_576, 1_048_577] }.each do |limit, (fits, exceeds)|
    test "with MAX_REQUEST_BODY=#{limit}, #{exceeds} bytes are refused" do
      puma = thrust_puma("bytes", env: { "MAX_REQUEST_BODY" => limit })
      assert_equal "200", puma.client.post("/", "x" * fits).code
      conversation = connect(puma.port)
      conversation.ask("POST /", "Content-Length: #{exceeds}")
      assert_match(%r{\AHTTP/1.1 413 }, conversation.read_head)
      assert_equal [200, 413], puma.await_requests(2).map { |line| line["status"] }
    end
  end

  test "a body without a length is refused where it passes the limit" do
    conversation = connect(thrust_puma("bytes", env: { "MAX_REQUEST_BODY" => "10" }).port)
    conversation.ask("POST /", "Transfer-Encoding: chunked")
    conversation.write "8\r\n12345678\r\n", "8\r\n12345678\r\n"
    assert_match(%r{\AHTTP/1.1 413 }, conversation.read_head)
  end
end
