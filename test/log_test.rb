# frozen_string_literal: true

require "test_helper"
require "time"

class LogTest < ThrusterTest
  FIELDS = %w[time level msg path status dur method req_content_length req_content_type resp_content_length
              resp_content_type remote_addr user_agent cache query proto request_id queue upstream bytes_in bytes_out].freeze

  test "each request is one line with every field" do
    puma = thrust_puma("echo")
    response = puma.client.post("/form?a=1", "hello", "User-Agent" => "curl/8", "Content-Type" => "text/plain")
    line = puma.await_requests.first
    assert_empty FIELDS - line.keys
    size = response.body.bytesize
    expected = { "level" => "INFO", "msg" => "Request", "path" => "/form", "query" => "a=1", "status" => 200, "method" => "POST",
                 "req_content_length" => 5, "req_content_type" => "text/plain", "resp_content_length" => size,
                 "resp_content_type" => "application/json", "user_agent" => "curl/8", "cache" => "bypass", "proto" => "HTTP/1.1",
                 "bytes_in" => 5, "bytes_out" => size }
    assert_equal expected, line.slice(*expected.keys)
    assert_equal 1, puma.requests.size
  end

  test "times are in RFC 3339 with nanoseconds, durations in milliseconds" do
    puma = thrust_puma("echo")
    before = Time.now
    puma.get
    line = puma.await_requests.first
    assert_match(/\A\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}(Z|[+-]\d\d:\d\d)\z/, line["time"])
    assert_includes (before - 1)..(Time.now + 1), Time.iso8601(line["time"])
    %w[dur queue upstream].each { |field| assert_kind_of Numeric, line[field] }
    assert_includes 0..((Time.now - before) * 1000).ceil, line["dur"]
    assert_operator line["upstream"], :<=, line["dur"] + 1
  end

  test "secrets in the query are filtered" do
    puma = thrust_puma("echo")
    puma.get("/in?user%5Bpassword%5D=hush1&page=2&reset_token=hush2&EMAIL=hush3&card[cvc]=hush4&api_key=hush5&q=tea")
    line = puma.await_requests.first
    refute_match(/hush/, puma.out)
    assert_equal 5, line["query"].scan("[FILTERED]").size
    assert_includes line["query"], "page=2"
    assert_includes line["query"], "q=tea"
  end

  test "the application gets what the log does not show" do
    assert_equal "password=hush", JSON.parse(thrust_puma("echo").get("/?password=hush").body)["query"]
  end

  test "a request that the child does not answer in time is a 504" do
    puma = thrust_puma("slow", env: { "GATE" => Gate.new(scratch).path, "PROXY_TIMEOUT" => "1" })
    assert_equal "504", puma.get("/slow").code
    assert_equal 504, puma.await_requests.first["status"]
  end

  test "a refused request is logged as well" do
    puma = thrust_puma("echo")
    conversation = connect(puma.port)
    conversation.write "GET /two-hosts HTTP/1.1\r\nHost: a.test\r\nHost: b.test\r\n\r\n"
    assert_match(%r{\AHTTP/1.1 400 }, conversation.read_head)
    assert_equal 400, puma.await_requests.first["status"]
  end

  test "remote_addr is the peer, or the one that a trusted router names" do
    { "1" => "203.0.113.9", "0" => "127.0.0.1" }.each do |trust, address|
      puma = thrust_puma("echo", env: { "FORWARD_HEADERS" => trust })
      puma.get("/", "X-Forwarded-For" => "203.0.113.9")
      assert_match(/\A#{address}\b/, puma.await_requests.first["remote_addr"])
    end
  end

  test "none is lost at the end" do
    puma = thrust_puma("echo")
    20.times { |n| puma.get("/#{n}") }
    puma.signal :TERM
    puma.await_end
    assert_equal Array.new(20) { |n| "/#{n}" }, puma.requests.map { |line| line["path"] }
  end

  test "lines do not run into one another" do
    puma = thrust_puma("echo")
    Array.new(50) { |n| Thread.new { 4.times { puma.get("/#{n}?#{"x" * 3_000}") } } }.each(&:join)
    assert_equal 200, puma.await_requests(200).size
    unclear = puma.out.lines.reject { |line| line.start_with?("{") ? JSON.parse(line) : !line.include?('{"') }
    assert_empty unclear
  end

  test "LOG_REQUESTS=0 keeps requests out of it" do
    puma = thrust_puma("echo", env: { "LOG_REQUESTS" => "0" })
    puma.get
    puma.signal :TERM
    puma.await_end
    assert_empty puma.requests
    refute_empty puma.log
  end
end
