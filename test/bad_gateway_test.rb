# frozen_string_literal: true

require "test_helper"

# What a client gets when there is no Puma to ask.
class BadGatewayTest < ThrusterTest
  PAGE = "<!doctype html><p>Back in a minute \u2615</p>\n"

  test "it gets 502 and nothing else" do
    response = thrust_alone(directory: scratch).get
    assert_equal "502", response.code
    assert_empty response.body
  end

  test "it gets the page of BAD_GATEWAY_PAGE" do
    File.write("#{scratch}/sorry.html", PAGE)
    assert_page thrust_alone(env: { "BAD_GATEWAY_PAGE" => "#{scratch}/sorry.html" }).get
  end

  test "it gets public/502.html if there is one" do
    Dir.mkdir("#{scratch}/public")
    File.write("#{scratch}/public/502.html", PAGE)
    assert_page thrust_alone(directory: scratch).get
  end

  test "the log tells what went wrong" do
    program = thrust_alone(directory: scratch)
    program.get("/page")
    line = program.await_requests.first
    assert_equal ["/page", 502], line.values_at("path", "status")
    refute_empty line["error"]
  end

  def assert_page(response)
    assert_equal "502", response.code
    assert_match(%r{\Atext/html}, response["Content-Type"])
    assert_equal PAGE, response.body.force_encoding("UTF-8")
  end
end
