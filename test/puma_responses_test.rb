# frozen_string_literal: true

require "test_helper"

# Puma's responses, as the client gets them.
class PumaResponsesTest < ThrusterTest
  # The head and the body of the final response to GET, over a connection that is closed after it.
  def final_response(path)
    conversation = connect(thrust_puma("responses").port)
    conversation.ask("GET #{path}", "Connection: close")
    head = conversation.read_head
    head = conversation.read_head while head.start_with?("HTTP/1.1 1")
    [head, conversation.read_to_end]
  end

  test "several cookies stay several" do
    head, = final_response("/headers")
    assert_equal ["a=1; path=/", "b=2; HttpOnly"], head.scan(/^set-cookie: (.+)\r$/i).flatten
  end

  test "long, empty and foreign values pass" do
    head, body = final_response("/headers")
    assert_match(/^x-name: Zo\xC3\xAB\r$/in, head)
    assert_match(/^x-empty: *\r$/i, head)
    assert_match(/^x-long: l{30000}\r$/i, head)
    assert_equal "hi", body
  end

  test "an early hint does not spoil the response after it" do
    head, body = final_response("/hints")
    assert_match(%r{\AHTTP/1.1 200 }, head)
    refute_match(/^link:/i, head)
    assert_equal "done", body
  end

  { "/no-content" => 204, "/not-modified" => 304 }.each do |path, status|
    test "#{status} has no body, and the connection goes on" do
      conversation = connect(thrust_puma("responses").port)
      conversation.ask("GET #{path}")
      assert_match(%r{\AHTTP/1.1 #{status} }, conversation.read_head)
      conversation.ask("GET /odd-status", "Connection: close")
      assert_match(%r{\AHTTP/1.1 299 .*\r\n\r\nodd\z}m, conversation.read_to_end)
    end
  end

  test "an error of the application is its own" do
    head, body = final_response("/broken")
    assert_match(%r{\AHTTP/1.1 500 }, head)
    refute_empty body
  end
end
