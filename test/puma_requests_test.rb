# frozen_string_literal: true

require "test_helper"

# Requests and responses, through thrust, to Puma and back.
class PumaRequestsTest < ThrusterTest
  def seen(response)
    assert_equal "200", response.code
    JSON.parse(response.body)
  end

  test "GET" do
    response = thrust_puma("echo").get("/some/page")
    assert_equal "GET", seen(response)["method"]
    assert_equal "/some/page", seen(response)["uri"]
    assert_equal "application/json", response["Content-Type"]
  end

  test "POST with its body" do
    body = "name=Zo\u00EB&size=1%2B2"
    request = seen(thrust_puma("echo").client.post("/form", body, "Content-Type" => "application/x-www-form-urlencoded"))
    assert_equal ["POST", body], request.values_at("method", "body")
    assert_equal body.bytesize.to_s, request["headers"]["CONTENT_LENGTH"]
  end

  test "HEAD has the headers and no body" do
    conversation = connect(thrust_puma("echo").port)
    conversation.ask("HEAD /", "Connection: close")
    head = conversation.read_head
    assert_match(%r{\AHTTP/1.1 200 }, head)
    assert_match(/^content-length: [1-9]/i, head)
    assert_empty conversation.read_to_end
  end

  test "other methods pass" do
    puma = thrust_puma("echo")
    %w[PUT PATCH DELETE OPTIONS PROPFIND].each do |method|
      conversation = connect(puma.port)
      conversation.ask("#{method} /it", "Content-Length: 2", "Connection: close")
      conversation.write("hi")
      assert_includes conversation.read_to_end, %("method":"#{method}")
    end
  end

  test "path and query pass byte for byte" do
    puma = thrust_puma("echo")
    ["/?q=100%&a;b", "/a//b/../c;x=1/%2e%2E/%7e~?", "/?", "/?a=[1]&b=x|y^z&c=%zz", "/%E4%F6?%ff=+'!$(),@:"].each do |target|
      assert_equal target, seen(puma.get(target))["uri"]
    end
  end

  test "the application sees the query untouched" do
    assert_equal "q=100%&a;b", seen(thrust_puma("echo").get("/?q=100%&a;b"))["query"]
  end

  test "many at once each get their own answer" do
    puma = thrust_puma("echo")
    answers = Array.new(50) { |n| Thread.new { Array.new(4) { |m| seen(puma.get("/#{n}/#{m}"))["uri"] } } }.map(&:value)
    assert_equal Array.new(50) { |n| Array.new(4) { |m| "/#{n}/#{m}" } }, answers
  end

  test "one connection serves one request after the other, and several at once" do
    conversation = connect(thrust_puma("echo").port)
    2.times { conversation.ask("GET /first") }
    conversation.ask("GET /last", "Connection: close")
    assert_equal %w[/first /first /last], conversation.read_to_end.scan(/"uri":"([^"]+)"/).flatten
  end

  test "what does not say for how long it is good is not cached, and says why" do
    puma = thrust_puma("echo")
    2.times do
      answer = puma.get
      assert_equal ["miss", "thruster; fwd=miss; fwd-status=200; detail=no-freshness"], [answer["X-Cache"], answer["Cache-Status"]]
    end
  end
end
