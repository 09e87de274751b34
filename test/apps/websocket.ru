# frozen_string_literal: true

require "digest"

ACCEPT_KEY = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11" # RFC 6455, section 1.3

# Agrees to a WebSocket and then sends back every byte, until the client has said all it wants to say.
run(lambda do |env|
  accept = Digest::SHA1.base64digest(env.fetch("HTTP_SEC_WEBSOCKET_KEY") + ACCEPT_KEY)
  asked = [env["HTTP_UPGRADE"], env["HTTP_CONNECTION"]].join(", ")
  socket = env["rack.hijack"].call
  Thread.new do
    socket.write "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" \
                 "Sec-WebSocket-Accept: #{accept}\r\nX-Asked: #{asked}\r\n\r\n"
    IO.copy_stream(socket, socket)
    socket.close
  end
  [-1, {}, []]
end)
