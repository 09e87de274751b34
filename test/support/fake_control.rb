# frozen_string_literal: true

require "socket"

# Stands at a control socket in the place of thrust: remembers what it is asked, and answers each request with the next
# of the answers it was given: a status and a Hash, or the very bytes. The last one answers all that follow.
class FakeControl
  NOTHING = [200, { purged: 0 }].freeze

  attr_reader :path

  def initialize(directory, *answers)
    @path = File.join(directory, "control.sock")
    @answers = answers.empty? ? [NOTHING] : answers
    @asked = Queue.new
    @server = UNIXServer.new(@path)
    @thread = Thread.new { loop { serve(@server.accept) } }
    @thread.report_on_exception = false
  end

  # What it was asked since the last time: line, body (parsed), and the header's lines.
  def asked
    Array.new(@asked.size) { @asked.pop }
  end

  # The bodies alone.
  def bodies
    asked.map { |_, body| body }
  end

  def close
    @thread.kill.join
    @server.close
  end

  private

  def serve(socket)
    line, *lines = socket.gets("\r\n\r\n").lines(chomp: true)
    body = socket.read(lines.grep(/\AContent-Length: /).join[/\d+/].to_i)
    @asked << [line, body.empty? ? nil : JSON.parse(body), lines]
    socket.write wire(@answers.size > 1 ? @answers.shift : @answers.first)
    socket.close
  end

  def wire(answer)
    return answer if answer.is_a?(String)

    status, content = answer
    json = JSON.generate(content)
    "HTTP/1.1 #{status} -\r\nContent-Type: application/json\r\nContent-Length: #{json.bytesize}\r\nConnection: close\r\n\r\n#{json}"
  end
end
