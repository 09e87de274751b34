# frozen_string_literal: true

require "net/http"
require "socket"

# Asks over HTTP, one connection each time. Nothing is unpacked or tried again behind the test's back.
class Client
  def initialize(port)
    @port = port
  end

  def get(path = "/", headers = {})
    exchange Net::HTTP::Get.new(path, plain(headers))
  end

  def head(path = "/", headers = {})
    exchange Net::HTTP::Head.new(path, plain(headers))
  end

  def post(path, body, headers = {})
    exchange Net::HTTP::Post.new(path, { "Content-Type" => "application/octet-stream" }.merge(plain(headers))), body
  end

  private

  # Left to itself, Net::HTTP asks for gzip, unpacks it and hides that.
  def plain(headers)
    { "Accept-Encoding" => "identity" }.merge(headers)
  end

  def exchange(request, body = nil)
    Net::HTTP.start("127.0.0.1", @port, nil, read_timeout: Patience::LIMIT, max_retries: 0) { |http| http.request(request, body) }
  end
end

# A connection whose every byte is the test's, for framing, for upgrades, and for who speaks when.
class Conversation
  def initialize(port, host: "127.0.0.1")
    @socket = TCPSocket.new(host, port)
    @unread = +"".b
  end

  def write(*texts)
    @socket.write(*texts)
  end

  # A request's head, with the lines given after it.
  def ask(request_line, *lines)
    write ["#{request_line} HTTP/1.1", "Host: example.test", *lines, "", ""].join("\r\n")
  end

  # Waits for the text and returns everything up to its end.
  def read_until(text)
    fetch(text.inspect) while (place = @unread.index(text)).nil?
    @unread.slice!(0, place + text.bytesize)
  end

  def read_head
    read_until("\r\n\r\n")
  end

  def read(count)
    fetch("#{count} bytes") while @unread.bytesize < count
    @unread.slice!(0, count)
  end

  # Everything until the other side closes.
  def read_to_end
    loop { fetch("the end") }
  rescue EOFError
    @unread.slice!(0..)
  end

  def close_write
    @socket.close_write
  end

  def close
    @socket.close
  end

  private

  def fetch(event)
    @socket.wait_readable(Patience::LIMIT) or raise Patience::Exhausted, "waited in vain for #{event} after #{@unread.inspect}"
    @unread << @socket.readpartial(65_536)
  end
end
