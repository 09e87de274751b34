# frozen_string_literal: true

require "test_helper"

# Exchanges that end before their time, and what the other side and the log get to know.
class BrokenOffTest < ThrusterTest
  def setup
    super
    @gate = Gate.new(scratch)
  end

  def thrust_gated(app)
    thrust_puma(app, env: { "GATE" => @gate.path })
  end

  # A client of the slow page, whose request is with Puma now.
  def waiting_client(puma)
    conversation = connect(puma.port)
    conversation.ask("GET /slow")
    puma.await_output(/the slow page has begun/)
    conversation
  end

  # A client that has had the first piece of a stream.
  def reading_client(puma)
    conversation = connect(puma.port)
    conversation.ask("GET /stream")
    conversation.read_until("data: first")
    conversation
  end

  def assert_logged(puma, *expected)
    line = puma.await_requests.first
    assert_equal expected, line.values_at("path", "status")
    refute_empty line["error"]
  end

  test "a client that goes away before its answer is a 499" do
    puma = thrust_gated("slow")
    waiting_client(puma).close
    assert_logged puma, "/slow", 499
  end

  test "a client that goes away within its answer is a 499" do
    puma = thrust_gated("stream")
    reading_client(puma).close
    assert_logged puma, "/stream", 499
  end

  test "a client that goes away within its upload is a 499" do
    puma = thrust_puma("echo")
    conversation = connect(puma.port)
    conversation.ask("POST /upload", "Content-Length: 10")
    conversation.write "hello"
    conversation.close
    assert_logged puma, "/upload", 499
  end

  test "others are served while some go away" do
    puma = thrust_puma("echo")
    100.times do
      conversation = connect(puma.port)
      conversation.ask("POST /", "Content-Length: 10")
      conversation.close
    end
    assert_equal "200", puma.get("/after").code
  end

  test "who waits for a Puma that dies gets a 502" do
    puma = thrust_gated("slow")
    conversation = waiting_client(puma)
    Process.kill :KILL, puma.puma_pid
    assert_match(%r{\AHTTP/1.1 502 }, conversation.read_head)
    assert_equal 137, puma.exit_status
    assert_logged puma, "/slow", 502
  end

  test "an answer that Puma's death cut short does not look whole" do
    puma = thrust_gated("stream")
    conversation = reading_client(puma)
    Process.kill :KILL, puma.puma_pid
    refute_match(/^0\r\n/, conversation.read_to_end)
    assert_equal 137, puma.exit_status
    refute_empty puma.await_requests.first["error"]
  end
end
