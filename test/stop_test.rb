# frozen_string_literal: true

require "test_helper"

# The first TERM or INT: what is under way is finished, what comes later is turned away, and then Puma is told.
class StopTest < ThrusterTest
  GOING = /Gracefully stopping/ # says Puma when it has been told

  # Puma with the slow page, one request of which is with it.
  def thrust_busy(**env)
    @gate = Gate.new(scratch)
    @puma = thrust_puma("slow", env: { "GATE" => @gate.path }.merge(env.transform_keys(&:to_s)))
    connect(@puma.port).tap do |conversation|
      conversation.ask("GET /slow")
      @puma.await_output(/the slow page has begun/)
    end
  end

  def begin_stop(name)
    @puma.signal name
    @puma.await_output(/"Stopping"/)
  end

  { "TERM" => 143, "INT" => 0 }.each do |name, status|
    test "#{name} under load loses no request" do
      puma = thrust_puma("nap", env: { "RAILS_MAX_THREADS" => "2" })
      crowd = crowd(puma.port)
      crowd.await_answers(40)
      puma.signal name
      assert_equal status, puma.exit_status
      crowd.close
      assert_empty crowd.lost
      assert_equal crowd.answers.size, puma.requests.count { |line| line["status"] == 200 }
    end

    test "#{name} lets the request finish that is under way, and says goodbye in its answer" do
      client = thrust_busy
      begin_stop name
      assert_raises(Errno::ECONNREFUSED) { 2.times { TCPSocket.new("127.0.0.1", @puma.port).close } }
      refute_match GOING, @puma.out
      @gate.open
      answer = client.read_to_end
      assert_match(%r{\AHTTP/1.1 200 }, answer)
      assert_match(/^connection: close\r$/i, answer)
      assert_equal status, @puma.exit_status
      assert_match GOING, @puma.out
    end
  end

  test "under load of bare haste as well" do
    puma = thrust_puma("echo")
    crowd = crowd(puma.port, clients: 8)
    crowd.await_answers(400)
    puma.signal :TERM
    assert_equal 143, puma.exit_status
    crowd.close
    assert_empty crowd.lost
  end

  test "who came on a kept connection just before is answered" do
    puma = thrust_puma("echo")
    client = connect(puma.port)
    client.ask("GET /first")
    client.read_until('"body":""}')
    puma.signal :TERM
    puma.await_output(/"Stopping"/)
    client.ask("GET /second")
    assert_match(%r{\AHTTP/1.1 200 .*^connection: close\r$}mi, client.read_to_end)
    assert_equal 143, puma.exit_status
  end

  test "an idle connection holds nothing up" do
    puma = thrust_puma("echo", env: { "DRAIN_TIMEOUT" => "600" })
    client = connect(puma.port)
    puma.get
    puma.signal :TERM
    assert_empty client.read_to_end
    assert_equal 143, puma.exit_status
  end

  test "a second TERM is passed at once" do
    client = thrust_busy DRAIN_TIMEOUT: "600"
    begin_stop :TERM
    refute_match GOING, @puma.out
    @puma.signal :TERM
    @puma.await_output(GOING)
    @gate.open
    assert_match(%r{\AHTTP/1.1 200 }, client.read_head)
    assert_equal 143, @puma.exit_status
  end

  { "0" => 0, "1" => 1 }.each do |setting, seconds|
    test "after DRAIN_TIMEOUT=#{setting} Puma is told, whoever is still there" do
      client = thrust_busy DRAIN_TIMEOUT: setting
      start = Patience.now
      begin_stop :TERM
      @puma.await_output(GOING)
      assert_operator Patience.now - start, :>=, seconds
      @gate.open
      assert_match(%r{\AHTTP/1.1 200 }, client.read_head)
      assert_equal 143, @puma.exit_status
    end
  end

  test "a WebSocket is closed with 1001, within the time there is" do
    puma = thrust_puma("websocket", env: { "DRAIN_TIMEOUT" => "2" })
    client = connect(puma.port)
    client.ask("GET /cable", "Connection: Upgrade", "Upgrade: websocket",
               "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 13")
    assert_match(%r{\AHTTP/1.1 101 }, client.read_head)
    puma.signal :TERM
    opcode, length, code = client.read_to_end.unpack("CCn")
    assert_equal [0x88, 1001], [opcode, code]
    assert_operator length, :>=, 2
    assert_equal 143, puma.exit_status
  end

  test "other signals stop nothing" do
    client = thrust_busy
    @puma.signal :WINCH
    @gate.open
    assert_match(%r{\AHTTP/1.1 200 }, client.read_head)
    assert_empty @puma.messages("Stopping")
  end

  test "a child that does not end is named after ten seconds" do
    program = thrust("ruby", "#{CHILDREN}/signals.rb", "TERM")
    program.await_output(/^ready$/)
    program.signal :TERM
    program.await_output(/^got TERM$/)
    program.await_output(/The command has not ended yet/)
    assert_equal "WARN", program.messages("The command has not ended yet").first["level"]
  end
end
