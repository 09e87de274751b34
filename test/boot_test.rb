# frozen_string_literal: true

require "test_helper"

# Requests that come before Puma accepts any.
class BootTest < ThrusterTest
  PAGE = "<p>Back in a minute</p>\n"
  NAVIGATION = { "Accept" => "text/html,application/xhtml+xml,*/*;q=0.8" }.freeze
  ELSEWHERE = "The command does not accept connections where PORT told it to; does it listen elsewhere?"

  # Puma whose application is loading until the gate opens.
  def thrust_late(env: {})
    @gate = Gate.new(scratch)
    env = { "GATE" => @gate.path }.merge(env)
    puma = thrust("puma", "-C", "#{APPS}/puma.rb", "#{APPS}/late.ru", env: env, directory: scratch)
    puma.await_output(/the application is loading/)
  end

  def write_page
    Dir.mkdir("#{scratch}/public")
    File.write("#{scratch}/public/502.html", PAGE)
  end

  # Two requests in one piece: once the first, which does not wait, is answered, thrust has the second as well.
  def ask_and_wait(port)
    conversation = connect(port)
    conversation.write("GET /page HTTP/1.1\r\nHost: a.test\r\nAccept: text/html\r\n\r\nGET /api HTTP/1.1\r\nHost: a.test\r\n\r\n")
    assert_match(%r{\AHTTP/1.1 502 }, conversation.read_until(PAGE))
    conversation
  end

  test "they get their answers when it does" do
    puma = thrust_late
    conversations = ["GET /", "POST /", "GET /page"].map do |line|
      connect(puma.port).tap { |conversation| conversation.ask(line, "Content-Length: 0", "Accept: text/html") }
    end
    @gate.open
    conversations.each { |conversation| assert_match(%r{\AHTTP/1.1 200 .*loaded\z}m, conversation.read_until("loaded")) }
    assert_equal [200] * 3, puma.await_requests(3).map { |line| line["status"] }
  end

  test "what waited was in the queue, and not with Puma" do
    puma = thrust_late(env: { "DEBUG" => "1" })
    write_page
    conversation = ask_and_wait(puma.port)
    puma.await_output(/Waiting for the command to accept connections/)
    began = Process.clock_gettime(Process::CLOCK_MONOTONIC)
    3.times { puma.get("/", NAVIGATION) } # who cannot wait gets the page, and time passes
    waited = Process.clock_gettime(Process::CLOCK_MONOTONIC) - began
    @gate.open
    conversation.read_until("loaded")
    line = puma.await_requests(5).last
    assert_operator line["queue"], :>=, waited * 1000
  end

  test "a navigation gets the page at once, and is told to come again" do
    write_page
    puma = thrust_late
    response = puma.get("/", NAVIGATION)
    assert_equal ["502", PAGE], [response.code, response.body]
    assert_equal ["1", "no-store"], [response["Retry-After"], response["Cache-Control"]]
    @gate.open
    puma.await_output(/Listening on/)
    assert_equal "loaded", puma.get("/", NAVIGATION).body
  end

  test "the page is read when it is needed" do
    puma = thrust_late
    write_page
    assert_equal PAGE, puma.get("/", NAVIGATION).body
    File.write("#{scratch}/public/502.html", "another")
    assert_equal "another", puma.get("/", NAVIGATION).body
  end

  test "what is no navigation waits, whether there is a page or not" do
    write_page
    puma = thrust_late
    conversation = ask_and_wait(puma.port)
    @gate.open
    assert_match(%r{\AHTTP/1.1 200 }, conversation.read_until("loaded"))
  end

  test "after BOOT_TIMEOUT it is a 502" do
    puma = thrust_late(env: { "BOOT_TIMEOUT" => "1" })
    assert_equal "502", puma.get.code
    assert_operator puma.await_requests.first["queue"], :>=, 1_000
  end

  test "a child that dies while it boots ends us with its status, and who waited gets 502" do
    write_page
    gate = Gate.new(scratch)
    program = thrust("sh", "-c", "read line <#{gate.path}; exit 7", directory: scratch)
    conversation = ask_and_wait(program.port)
    gate.open
    assert_match(%r{\AHTTP/1.1 502 }, conversation.read_head)
    assert_equal 7, program.exit_status
    assert_equal [502, 502], program.requests.map { |line| line["status"] }
  end

  test "BIND_WHEN_READY opens the port when Puma accepts connections" do
    port = Thrust.free_port
    puma = thrust_late(env: { "BIND_WHEN_READY" => "1", "HTTP_PORT" => port.to_s })
    assert_raises(Errno::ECONNREFUSED) { TCPSocket.new("127.0.0.1", port) }
    assert_empty puma.messages("Server started")
    @gate.open
    assert_equal "loaded", puma.await_start.get.body
  end

  test "BIND_WHEN_READY and a child that dies while it boots is the child's status" do
    assert_equal 7, thrust("sh", "-c", "exit 7", env: { "BIND_WHEN_READY" => "1" }).exit_status
  end

  test "a child that listens elsewhere is found out" do
    puma = thrust("puma", "-b", "tcp://127.0.0.1:#{Thrust.free_port}", "#{APPS}/echo.ru", env: { "BOOT_TIMEOUT" => "1" })
    puma.await_output(/Listening on/)
    assert_equal "502", puma.get.code
    puma.await_requests
    assert_equal ["WARN"], puma.messages(ELSEWHERE).map { |line| line["level"] }
  end
end
