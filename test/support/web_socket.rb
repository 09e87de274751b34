# frozen_string_literal: true

require "json"
require "securerandom"

# A client of a WebSocket (RFC 6455) that says and hears JSON in text frames, as browsers do with Action Cable.
class WebSocket
  TEXT = 0x1
  CLOSE = 0x8
  FINAL = 0x80
  MASKED = 0x80
  TWO_BYTES = 126 # in the place of the length, which follows

  # Over a Conversation; `lines` are more of the request's head.
  def initialize(conversation, path, *lines)
    @conversation = conversation
    conversation.ask("GET #{path}", "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13",
                     "Sec-WebSocket-Key: #{SecureRandom.base64(16)}", *lines)
    @head = conversation.read_head
  end

  # The answer to the request that opened it.
  attr_reader :head

  # Clients have to mask what they say (section 5.3).
  def say(message)
    text = JSON.generate(message).b
    mask = SecureRandom.bytes(4)
    masked = text.bytes.each_with_index.map { |byte, place| byte ^ mask.getbyte(place % 4) }
    @conversation.write [FINAL | TEXT].pack("C"), length(text.bytesize), mask, masked.pack("C*")
  end

  # Waits for a message for which the block is true, and returns it; nil if it is closed before.
  def hear
    loop do
      kind, text = read_frame
      return if kind == CLOSE
      next unless kind == TEXT

      message = JSON.parse(text)
      return message if yield(message)
    end
  end

  private

  # As short as can be (section 5.2).
  def length(bytes)
    bytes < TWO_BYTES ? [MASKED | bytes].pack("C") : [MASKED | TWO_BYTES, bytes].pack("Cn")
  end

  # Action Cable sends no frames in parts, and its messages are short.
  def read_frame
    first, length = @conversation.read(2).unpack("CC")
    length = @conversation.read(2).unpack1("n") if length == TWO_BYTES
    [first & 0xF, @conversation.read(length)]
  end
end
