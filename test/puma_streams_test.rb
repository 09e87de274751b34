# frozen_string_literal: true

require "test_helper"
require "securerandom"

# Bodies that come piece by piece, and connections that become something else.
class PumaStreamsTest < ThrusterTest
  def setup
    super
    @gate = Gate.new(scratch)
  end

  # The second piece is not made before the first has arrived here.
  def assert_pieces_pass_at_once(path)
    conversation = connect(thrust_puma("stream", env: { "GATE" => @gate.path }).port)
    conversation.ask("GET #{path}", "Connection: close")
    assert_match(%r{\AHTTP/1.1 200 }, conversation.read_head)
    conversation.read_until("data: first\n\n")
    @gate.open
    assert_includes conversation.read_to_end, "data: second\n\n"
  end

  test "a chunk reaches the client at once" do
    assert_pieces_pass_at_once "/"
  end

  test "a stream that the application writes by itself reaches the client at once" do
    assert_pieces_pass_at_once "/hijacked"
  end

  test "a body of unknown length is chunked" do
    conversation = connect(thrust_puma("stream", env: { "GATE" => File::NULL }).port)
    conversation.ask("GET /")
    assert_match(/^transfer-encoding: chunked\r$/i, conversation.read_head)
    assert_match(/\h+\r\ndata: first\n\n.*\r\n0\r\n\r\n\z/m, conversation.read_until("\r\n0\r\n\r\n"))
  end

  test "a client of HTTP/1.0 gets the same body without chunks" do
    conversation = connect(thrust_puma("stream", env: { "GATE" => File::NULL }).port)
    conversation.write "GET / HTTP/1.0\r\nHost: example.test\r\n\r\n"
    refute_match(/^transfer-encoding/i, conversation.read_head)
    assert_equal "data: first\n\ndata: second\n\n", conversation.read_to_end
  end

  ["WebSocket", "websocket", "WEBSOCKET"].each do |spelling|
    test "an upgrade to #{spelling} passes bytes both ways" do
      conversation = connect(thrust_puma("websocket").port)
      conversation.ask("GET /cable", "Connection: keep-alive, Upgrade", "Upgrade: #{spelling}",
                       "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==")
      head = conversation.read_head
      assert_match(%r{\AHTTP/1.1 101 }, head)
      assert_match(/^upgrade: websocket\r$/i, head)
      assert_match(/^connection: upgrade\r$/i, head)
      assert_match(%r{^sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=\r$}i, head)
      assert_match(/^x-asked: websocket, .*\bupgrade\b/i, head)
      2.times { assert_echoed conversation, SecureRandom.bytes(100_000) }
      conversation.close_write
      assert_empty conversation.read_to_end
    end
  end

  def assert_echoed(conversation, bytes)
    writing = Thread.new { conversation.write(bytes) }
    assert_equal bytes, conversation.read(bytes.bytesize)
    writing.join
  end

  test "many WebSockets live side by side" do
    puma = thrust_puma("websocket")
    conversations = Array.new(20) { connect(puma.port) }
    conversations.each do |conversation|
      conversation.ask("GET /", "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==")
      conversation.read_until(" 101 ")
      conversation.read_head
    end
    conversations.each_with_index { |conversation, n| assert_echoed conversation, "number #{n}" }
  end
end
