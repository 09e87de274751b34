# frozen_string_literal: true

require "test_helper"

# The header fields that thrust adds, keeps and removes, as the application sees them.
class PumaHeadersTest < ThrusterTest
  UNTRUSTED = { "FORWARD_HEADERS" => "0" }.freeze
  SPOOFED = { "X-Forwarded-For" => "203.0.113.9", "X-Forwarded-Host" => "evil.test", "X-Forwarded-Proto" => "https",
              "X-Forwarded-Port" => "1", "X-Forwarded-Ssl" => "on", "X-Forwarded-Scheme" => "https",
              "Client-Ip" => "203.0.113.9", "Forwarded" => "for=203.0.113.9" }.freeze

  def seen(puma, headers = {})
    JSON.parse(puma.get("/", headers).body)["headers"]
  end

  test "the client's address, host and protocol are told" do
    headers = seen(thrust_puma("echo"), "Host" => "shop.test:8080")
    assert_equal "shop.test:8080", headers["HTTP_HOST"]
    assert_equal "127.0.0.1", headers["HTTP_X_FORWARDED_FOR"]
    assert_equal "shop.test:8080", headers["HTTP_X_FORWARDED_HOST"]
    assert_equal "http", headers["HTTP_X_FORWARDED_PROTO"]
  end

  test "what a router in front of us says is kept" do
    headers = seen(thrust_puma("echo"), SPOOFED)
    assert_equal "203.0.113.9, 127.0.0.1", headers["HTTP_X_FORWARDED_FOR"]
    assert_equal "evil.test", headers["HTTP_X_FORWARDED_HOST"]
    assert_equal "https", headers["HTTP_X_FORWARDED_PROTO"]
  end

  test "with FORWARD_HEADERS off, nothing the client claims gets through" do
    headers = seen(thrust_puma("echo", env: UNTRUSTED), SPOOFED.merge("Host" => "shop.test"))
    assert_equal "127.0.0.1", headers["HTTP_X_FORWARDED_FOR"]
    assert_equal "shop.test", headers["HTTP_X_FORWARDED_HOST"]
    assert_equal "http", headers["HTTP_X_FORWARDED_PROTO"]
    assert_empty headers.slice("HTTP_X_FORWARDED_PORT", "HTTP_X_FORWARDED_SSL", "HTTP_X_FORWARDED_SCHEME",
                               "HTTP_CLIENT_IP", "HTTP_FORWARDED")
  end

  test "a name with underscores is no way around that" do
    [UNTRUSTED, {}].each do |env|
      headers = seen(thrust_puma("echo", env: env), "X_Forwarded_For" => "203.0.113.9", "X_Forwarded-Host" => "evil.test",
                                                    "X-Forwarded_Proto" => "https", "X_Request_Id" => "not-from-us")
      assert_equal "127.0.0.1", headers["HTTP_X_FORWARDED_FOR"]
      refute_match(/evil/, headers["HTTP_X_FORWARDED_HOST"])
      assert_equal "http", headers["HTTP_X_FORWARDED_PROTO"]
      refute_match(/not-from-us/, headers["HTTP_X_REQUEST_ID"])
    end
  end

  test "the time of arrival is told" do
    before = (Time.now.to_f * 1000).floor
    arrived = seen(thrust_puma("echo"))["HTTP_X_REQUEST_START"]
    assert_match(/\At=\d{13}\z/, arrived)
    assert_includes before..(Time.now.to_f * 1000).ceil, arrived[/\d+/].to_i
  end

  test "a time of arrival that is told already is kept" do
    assert_equal "t=1234567890123", seen(thrust_puma("echo"), "X-Request-Start" => "t=1234567890123")["HTTP_X_REQUEST_START"]
  end

  test "a request gets an id, which is passed, returned and logged" do
    puma = thrust_puma("echo")
    responses = Array.new(2) { puma.get }
    ids = responses.map { |response| response["X-Request-Id"] }
    ids.each { |id| assert_match(/\A[\w-]{16,}\z/, id) }
    assert_equal 2, ids.uniq.size
    assert_equal ids, responses.map { |response| JSON.parse(response.body)["headers"]["HTTP_X_REQUEST_ID"] }
    assert_equal ids, puma.await_requests(2).map { |line| line["request_id"] }
  end

  test "a usable id is kept" do
    response = thrust_puma("echo").get("/", "X-Request-Id" => "abc-123_DEF.4")
    assert_equal "abc-123_DEF.4", response["X-Request-Id"]
    assert_equal "abc-123_DEF.4", JSON.parse(response.body)["headers"]["HTTP_X_REQUEST_ID"]
  end

  test "an unusable id is replaced" do
    puma = thrust_puma("echo")
    ["two words; <b>", "x" * 5_000].each do |id|
      assert_match(/\A[\w-]{16,255}\z/, puma.get("/", "X-Request-Id" => id)["X-Request-Id"])
    end
  end

  test "hop-by-hop fields and those that Connection names stay here" do
    headers = seen(thrust_puma("echo"), "Connection" => "X-Private, close", "X-Private" => "1", "X-Public" => "2",
                                        "Keep-Alive" => "timeout=5", "Proxy-Authorization" => "Basic eA==", "Te" => "gzip")
    assert_equal "2", headers["HTTP_X_PUBLIC"]
    assert_empty headers.slice("HTTP_X_PRIVATE", "HTTP_KEEP_ALIVE", "HTTP_PROXY_AUTHORIZATION", "HTTP_TE")
  end

  test "the client has no say in how files are sent" do
    %w[1 0].each do |enabled|
      headers = seen(thrust_puma("echo", env: { "X_SENDFILE_ENABLED" => enabled }), "X-Sendfile-Type" => "X-Accel-Redirect")
      refute_equal "X-Accel-Redirect", headers["HTTP_X_SENDFILE_TYPE"]
    end
  end
end
