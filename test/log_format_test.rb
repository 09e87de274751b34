# frozen_string_literal: true

require "test_helper"

# The log for people's eyes.
class LogFormatTest < ThrusterTest
  COLOUR = /\e\[\d/

  def thrust_on(port, **options)
    program = thrust_alone(**options, env: { "HTTP_PORT" => port.to_s }.merge(options.fetch(:env, {})))
    program.await_output(/#{port}/)
  end

  test "LOG_FORMAT=text is a line a person can read, plain in a file" do
    port = Thrust.free_port
    program = thrust_on(port, env: { "LOG_FORMAT" => "text" })
    Client.new(port).get("/a/page?q=1")
    line = program.await_output(%r{/a/page.*\n}).out.lines.last
    ["GET", "/a/page", "q=1", "502"].each { |part| assert_includes line, part }
    assert_empty program.log
    refute_match COLOUR, program.out
  end

  test "a terminal gets text with colour" do
    port = Thrust.free_port
    program = thrust_on(port, terminal: true)
    Client.new(port).get("/a/page")
    program.await_output(%r{/a/page})
    assert_match COLOUR, program.out
    assert_empty program.log
  end

  test "LOG_FORMAT=json is JSON on a terminal too" do
    program = thrust_alone(env: { "LOG_FORMAT" => "json" }, terminal: true)
    program.get("/a/page")
    assert_equal "/a/page", program.await_requests.first["path"]
    refute_match COLOUR, program.out
  end
end
