# frozen_string_literal: true

# A body in two pieces: the second is made only when the test opens the gate.
class Pieces
  def each
    yield "data: first\n\n"
    File.read(ENV.fetch("GATE"))
    yield "data: second\n\n"
  end
end

# The same, written to the socket by the application itself.
hijacked = lambda do |env|
  socket = env["rack.hijack"].call
  Thread.new do
    socket.write "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
    Pieces.new.each { |piece| socket.write(piece) }
    socket.close
  end
  [-1, {}, []]
end

map("/hijacked") { run hijacked }
map("/") { run(->(_env) { [200, { "content-type" => "text/event-stream" }, Pieces.new] }) }
