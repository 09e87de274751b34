# frozen_string_literal: true

require "test_helper"
require "net/http"
require "zlib"
require "support/generated_rails"
require "support/web_socket"

# What Rails sends piece by piece, through thrust: Action Cable and ActionController::Live.
class RailsStreamsTest < ThrusterTest
  def rails
    GeneratedRails.thrust
  end

  # A browser's connection, subscribed to the room. Rails lets in whom it takes for its own page, by the Host it was sent.
  def subscribe(room)
    socket = WebSocket.new(connect(rails.port), "/cable", "Origin: http://example.test",
                           "Sec-WebSocket-Protocol: actioncable-v1-json")
    assert_match(%r{\AHTTP/1.1 101 .*^sec-websocket-protocol: actioncable-v1-json\r$}mi, socket.head)
    socket.hear { |message| message["type"] == "welcome" } or flunk "no welcome"
    identifier = JSON.generate(channel: "RoomChannel", room: room)
    socket.say(command: "subscribe", identifier: identifier)
    socket.hear { |message| message.values_at("type", "identifier") == ["confirm_subscription", identifier] } or flunk "refused"
    [socket, identifier]
  end

  def assert_hears(socket, text)
    assert_equal text, socket.hear { |message| message.key?("message") }.dig("message", "text")
  end

  test "Action Cable: what is broadcast reaches those who subscribed" do
    sockets = Array.new(2) { subscribe("lobby").first }
    other = subscribe("kitchen").first
    { "lobby" => "hello", "kitchen" => "soup" }.each do |room, text|
      assert_equal "204", rails.client.post("/messages?room=#{room}&text=#{text}", "").code
    end
    sockets.each { |socket| assert_hears socket, "hello" }
    assert_hears other, "soup"
  end

  test "Action Cable: what one says the others hear" do
    speaker, identifier = subscribe("hall")
    listener = subscribe("hall").first
    speaker.say(command: "message", identifier: identifier, data: JSON.generate(action: "speak", text: "gr\u00FC\u00DFe"))
    [speaker, listener].each { |socket| assert_hears socket, "gr\u00FC\u00DFe" }
  end

  test "Action Cable: a page of another site is not let in" do
    socket = WebSocket.new(connect(rails.port), "/cable", "Origin: http://elsewhere.test")
    assert_match(%r{\AHTTP/1.1 404 }, socket.head)
  end

  # What has been heard of a feed so far, each time some more has come.
  def listen(path, coding)
    unpack = coding == "gzip" ? Zlib::Inflate.new(16 + Zlib::MAX_WBITS).method(:inflate) : :itself.to_proc
    heard = +""
    Net::HTTP.start("127.0.0.1", rails.port, nil, read_timeout: Patience::LIMIT) do |http|
      http.request_get(path, "Accept" => "text/event-stream", "Accept-Encoding" => coding) do |response|
        assert_equal [coding, "text/event-stream"], [response["Content-Encoding"] || "identity", response["Content-Type"]]
        response.read_body { |piece| yield heard << unpack.call(piece) }
      end
    end
    heard
  end

  # The second event is not made before the first has arrived here.
  %w[identity gzip].each do |coding|
    test "ActionController::Live: events arrive one by one, as #{coding}" do
      gate = Gate.new(scratch)
      first, second = [1, 2].map { |price| "event: price\ndata: {\"price\":#{price}}\n\n" }
      arrived = []
      heard = listen("/feed?gate=#{gate.path}", coding) do |so_far|
        gate.open if so_far == first && !arrived.include?(first)
        arrived << so_far.dup
      end
      assert_equal first + second, heard
      assert_includes arrived, first
    end
  end
end
