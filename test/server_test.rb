# frozen_string_literal: true

require "test_helper"
require "pathname"
require "support/extension"
require "support/rack_app"

# Thruster::Server in this process, in front of a Puma that is in it as well.
class ServerTest < ThrusterTest
  def setup
    super
    Extension.load
  end

  # Puma with the block as its application.
  def app(&app)
    app ||= ->(_) { [200, { "content-type" => "text/plain" }, ["hello"]] }
    RackApp.new(&app).tap { |puma| @opened << puma }
  end

  def server(puma = app, **settings)
    Thruster::Server.new(target_port: puma.port, **settings).tap { |server| @servers = [*@servers, server] }
  end

  def teardown
    @servers&.each(&:stop)
    super
  end

  # An application that says when it has been asked, and waits for the word to answer.
  def slow_app
    @asked, @answer = Queue.new, Queue.new
    app do |_|
      @asked << true
      [200, {}, [@answer.pop]]
    end
  end

  def refuse(port)
    assert_raises(Errno::ECONNREFUSED) { TCPSocket.new("127.0.0.1", port).close }
  end

  def wait_until(event)
    deadline = Patience.deadline
    Thread.pass until yield || Patience.left(deadline, event).negative?
  end

  def ended(thread)
    thread.join(Patience::LIMIT) or raise Patience::Exhausted, "the thread has not ended"
  end

  test "a request goes through it to Puma in the same process" do
    seen = nil
    puma = app { |env| seen = env and [200, { "content-type" => "text/plain" }, ["hello"]] }
    response = Client.new(server(puma).start.port).get("/path?q=1", "Host" => "example.test")
    assert_equal %w[200 hello miss], [response.code, response.body, response["x-cache"]]
    assert_equal ["/path", "q=1", "127.0.0.1", "example.test"],
                 seen.values_at("PATH_INFO", "QUERY_STRING", "HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_HOST")
  end

  test "settings are Ruby's values under thrust's names" do
    puma = app { |_| [200, { "content-type" => "text/plain" }, ["x" * 10_000]] }
    File.write("#{scratch}/here.txt", "from a file")
    port = server(puma, compression: %w[gzip], gzip_compression_jitter: 0, cache_size: 0, h2c_enabled: nil,
                        static_path: Pathname(scratch), sendfile_roots: [scratch, "/tmp"], log_format: :json).start.port
    assert_equal "gzip", Client.new(port).get("/", "Accept-Encoding" => "br, gzip")["content-encoding"]
    assert_equal "from a file", Client.new(port).get("/here.txt").body
  end

  test "with a block it serves for as long as that runs" do
    port = nil
    body = Thruster::Server.start(target_port: app.port) do |server|
      port = server.port
      Client.new(port).get.body
    end
    assert_equal "hello", body
    refuse port
    assert_raises(KeyError) { Thruster::Server.start(target_port: app.port) { |server| port = server.port and raise KeyError } }
    refuse port
  end

  test "it can be started and stopped again, and asked to twice" do
    server = server()
    assert_nil server.port
    refute server.running?
    2.times do
      assert_same server, server.start.start
      assert server.running?
      assert_equal "hello", Client.new(server.port).get.body
      assert_same server, server.stop.stop
      assert_nil server.port
      refute server.running?
    end
  end

  test "threads may start and stop it at once" do
    server = server()
    threads = Array.new(8) do |n|
      Thread.new { 5.times { n.even? ? server.start : server.stop } }
    end
    threads.each { |thread| ended(thread) }
    assert_equal "hello", Client.new(server.start.port).get.body
  end

  test "stop lets an answer finish, and Ruby run meanwhile" do
    server = server(slow_app, drain_timeout: 3600).start
    port = server.port
    client = Thread.new { Client.new(port).get.body }
    @asked.pop
    stopping = Thread.new { server.stop }
    wait_until("the stop") { !server.running? }
    assert_nil server.port
    @answer << "in the end"
    assert_equal "in the end", client.value
    ended stopping
    refuse port
  end

  test "a thread that stops it can be ended, and the stop goes on" do
    server = server(slow_app, drain_timeout: 3600).start
    client = Thread.new { Client.new(server.port).get.body }
    @asked.pop
    stopping = Thread.new { server.stop }
    wait_until("the stop") { !server.running? }
    ended stopping.kill
    assert_raises(Timeout::Error) { Timeout.timeout(0.01) { server.stop } }
    @answer << "in the end"
    assert_equal "in the end", client.value
    server.stop
    assert_equal "hello", Client.new(server(app).start.port).get.body
  end

  test "what is not answered within drain_timeout is cut off" do
    server = server(slow_app, drain_timeout: 0).start
    conversation = connect(server.port)
    conversation.ask("GET /")
    @asked.pop
    server.stop
    conversation.read_to_end
    @answer << "too late"
  end

  test "a port that is taken is an error with words" do
    taken = TCPServer.new("127.0.0.1", 0).tap { |socket| @opened << socket }
    server = server(app, http_port: taken.addr[1])
    error = assert_raises(Thruster::Server::Error) { server.start }
    assert_equal "cannot listen on 127.0.0.1:#{taken.addr[1]}: the port is in use by another process", error.message
    refute server.running?
    taken.close
    assert_equal "hello", Client.new(server.start.port).get.body
  end

  test "TLS has a port of its own" do
    server = server(app, tls_local: true, storage_path: scratch).start
    https = Net::HTTP.new("localhost", server.https_port)
    https.use_ssl = true
    https.ca_file = Dir["#{scratch}/**/*.{pem,crt}"].find { |file| File.read(file).include?("BEGIN CERTIFICATE") }
    assert_equal "hello", https.get("/").body
    assert_equal "https://localhost:#{server.https_port}/", Client.new(server.port).get("/", "Host" => "localhost")["location"]
  end

  test "settings that are wrong are told all at once" do
    error = assert_raises(ArgumentError) { Thruster::Server.new(cache_size: "64XB", debug: "maybe", target_port: 0) }
    assert_equal ["cache_size: \"64XB\"", "debug: \"maybe\"", "target_port: \"0\""], error.message.lines.map { |line| line[/\A.*?".*?"/] }.sort
    error = assert_raises(ArgumentError) { Thruster::Server.new(http_port: 3000) }
    assert_match(/\Ahttp_port: "3000": expected a port other than TARGET_PORT/, error.message)
  end

  test "a setting that is none is told with the one that may be meant" do
    error = assert_raises(ArgumentError) { Thruster::Server.new(cach_size: 1, colour: true, debug: {}) }
    assert_equal ["cach_size: there is no such setting (did you mean cache_size?)", "colour: there is no such setting",
                  "debug: Hash is neither true nor false, a number, a text, a path nor a list of them"], error.message.lines(chomp: true)
  end

  test "a list that cannot be one is told" do
    { [] => "an empty list says nothing", ["a,b"] => '"a,b" cannot be in a list', [["a"]] => "an empty list" }.each do |list, words|
      error = assert_raises(ArgumentError) { Thruster::Server.new(tls_domain: list) }
      assert_includes error.message, "tls_domain: #{words}"
    end
  end

  test "it shows itself without its settings" do
    server = server(app, eab_kid: "me", eab_hmac_key: "c2VjcmV0")
    assert_equal "#<Thruster::Server not running>", server.inspect
    assert_equal "#<Thruster::Server port=#{server.start.port}>", server.inspect
    refute_includes server.inspect, "c2VjcmV0"
  end
end
