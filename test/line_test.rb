# frozen_string_literal: true

require "test_helper"

# More to do than Puma has threads: who is next, and who holds a thread for how long.
class LineTest < ThrusterTest
  alone!

  TWO_THREADS = { "RAILS_MAX_THREADS" => "2" }.freeze
  UNFAIR = 1.3 # worst wait to median, where 1 is a line in perfect order
  WARM = 1 # seconds in which twelve clients have found their places in line
  SECONDS = 5

  # Puma with the slow page, one request of which is with it.
  def thrust_busy(**env)
    @gate = Gate.new(scratch)
    puma = thrust_puma("slow", env: { "GATE" => @gate.path }.merge(env.transform_keys(&:to_s)))
    [puma, ask(puma, "/first").tap { puma.await_output(/the slow page has begun/) }]
  end

  def ask(puma, path)
    connect(puma.port).tap { |conversation| conversation.ask("GET #{path}") }
  end

  # What everyone waited, of those answered in the seconds that count.
  def waits(crowd)
    crowd.await_answers(1)
    start = crowd.answers.first.at
    crowd.await_answers(1) until crowd.answers.last.at > start + WARM + SECONDS
    crowd.close
    crowd.answers.select { |answer| answer.at - start > WARM }.map(&:seconds).sort
  end

  test "twelve clients of two threads wait equally long" do
    puma = thrust_puma("nap", env: TWO_THREADS)
    crowd = crowd(puma.port, clients: 12, methods: ["GET"])
    waits = waits(crowd)
    assert_empty crowd.lost
    assert_operator waits.last / waits[waits.size / 2], :<=, UNFAIR, "worst to median"
    assert_operator waits.size / SECONDS.to_f, :>=, 0.9 * 2 / 0.05, "requests a second" # what two threads can do
  end

  test "while nobody waits, connections are used again" do
    puma = thrust_puma("nap", env: TWO_THREADS)
    ports = Array.new(5) { puma.get.body }
    assert_equal 1, ports.uniq.size, ports.join(", ")
  end

  { "on" => 1, "off" => 5 }.each do |word, connections|
    test "UPSTREAM_KEEPALIVE=#{word} needs #{connections} connections for 5 requests" do
      puma = thrust_puma("nap", env: { "UPSTREAM_KEEPALIVE" => word })
      assert_equal connections, Array.new(5) { puma.get.body }.uniq.size
    end
  end

  # The second is far more than the system holds by itself, so that it would hold a thread.
  { 100_000 => [20, "1MiB"], 20_000_000 => [2, "32MiB"] }.each do |size, (clients, buffer)|
    test "#{clients} clients that do not read #{size} bytes leave both threads free" do
      puma = thrust_puma("bytes", env: TWO_THREADS.merge("BUFFER_RESPONSES" => buffer))
      slow = Array.new(clients) { ask(puma, "/#{size}").tap(&:read_head) }
      assert_equal "200", puma.get("/1").code
      expected = puma.get("/#{size}").body
      slow.each { |client| assert client.read(size) == expected, "not what Puma sent" }
    end
  end

  test "MAX_CONCURRENCY lets no more in, and who waits in vain is told when to come again" do
    puma, first = thrust_busy(MAX_CONCURRENCY: "1", QUEUE_TIMEOUT: "1")
    response = puma.get("/second")
    assert_equal ["503", "1", "no-store"], [response.code, response["Retry-After"], response["Cache-Control"]]
    line = puma.await_requests.first
    assert_equal ["/second", 503], line.values_at("path", "status")
    assert_operator line["queue"], :>=, 1_000
    @gate.open
    assert_match(%r{\AHTTP/1.1 200 }, first.read_head)
    assert_equal 1, puma.out.scan("the slow page has begun").size
  end

  test "MAX_CONCURRENCY lets the next one in when one is done" do
    puma, first = thrust_busy(MAX_CONCURRENCY: "1")
    second = ask(puma, "/second")
    @gate.open
    first.read_head
    puma.await_output(/the slow page has begun/, times: 2)
    @gate.open
    assert_match(%r{\AHTTP/1.1 200 }, second.read_head)
  end

  test "a request whose client has gone is never sent" do
    puma, first = thrust_busy(MAX_CONCURRENCY: "1")
    ask(puma, "/gone").close
    assert_equal ["/gone", 499], puma.await_requests.first.values_at("path", "status")
    third = ask(puma, "/third")
    @gate.open
    assert_match(%r{\AHTTP/1.1 200 }, first.read_head)
    puma.await_output(/the slow page has begun/, times: 2)
    @gate.open
    assert_match(%r{\AHTTP/1.1 200 }, third.read_head)
    assert_equal 2, puma.out.scan("the slow page has begun").size
  end

  test "TARGET_SOCKET leads to a Puma that listens there" do
    socket = "#{scratch}/puma.sock"
    puma = thrust("puma", "-C", "#{APPS}/puma.rb", "-b", "unix://#{socket}", "#{APPS}/echo.ru",
                  env: { "TARGET_SOCKET" => socket })
    assert_equal "200", puma.get.code
    assert_equal "POST", JSON.parse(puma.client.post("/", "hello").body)["method"]
    assert_match(/Listening on #{Regexp.escape("unix://#{socket}")}/, puma.out)
    assert_raises(Errno::ECONNREFUSED) { TCPSocket.new("127.0.0.1", puma.target_port) }
  end
end
