# frozen_string_literal: true

require "digest"
require "io/wait"

module Demo
  # The server's side of one WebSocket: RFC 6455, as much of it as an application needs, in one screen or two.
  class WebSocket
    # The peer broke a rule; `code` is what it is told in the close frame (section 7.4.1).
    class Violation < StandardError
      attr_reader :code

      def initialize(code, message)
        @code = code
        super(message)
      end
    end

    CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA

    NORMAL = 1000
    PROTOCOL_ERROR = 1002
    INVALID_TEXT = 1007
    TOO_BIG = 1009

    # The most a message may have, however it is cut into frames. Enough for an echo.
    LIMIT = 64 * 1024

    # A silent peer is asked whether it is still there, and left when it does not say so within as much again.
    SILENCE = 30

    # Section 1.3: mixed into the key, it shows that we know what we agree to.
    GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

    # The response to a request that asks for no WebSocket, or nil (section 4.2.1).
    def self.refusal(request)
      upgrade, connection, version, key = %w[UPGRADE CONNECTION SEC_WEBSOCKET_VERSION SEC_WEBSOCKET_KEY]
        .map { |name| request.get_header("HTTP_#{name}").to_s }

      if !upgrade.casecmp?("websocket") || connection.downcase.split(/\s*,\s*/).none?("upgrade")
        refuse(426, "Here speaks a WebSocket.", "upgrade" => "websocket")
      elsif version != "13"
        refuse(426, "Only version 13 is spoken here.", "sec-websocket-version" => "13")
      elsif !key.match?(%r{\A[A-Za-z0-9+/]{22}==\z})
        refuse(400, "The key must be 16 bytes in Base64.")
      end
    end

    def self.refuse(status, reason, headers = {})
      [status, { "content-type" => "text/plain" }.merge(headers), ["#{reason}\n"]]
    end
    private_class_method :refuse

    def self.accept(io, request)
      answer = Digest::SHA1.base64digest(request.get_header("HTTP_SEC_WEBSOCKET_KEY") + GUID)
      io.write("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" \
        "Sec-WebSocket-Accept: #{answer}\r\n\r\n")
      new(io)
    end

    def initialize(io)
      @io = io
      @received = String.new
    end

    # Yields TEXT or BINARY and a message, until either side closes.
    def each_message
      catch(:closed) { loop { yield(*read_message) } }
    rescue Violation => e
      close(e.code, e.message)
    rescue IOError, SystemCallError
      # The peer went away without a word.
    ensure
      hang_up
    end

    def send_message(type, message)
      send_frame(type, message)
    end

    private

    def close(code, reason = "")
      send_frame(CLOSE, [code].pack("n") + reason)
    rescue IOError, SystemCallError
      # The peer did not wait for it.
    end

    # Closing with bytes unread would be a reset, which may overtake our last words (section 7.1.1).
    def hang_up
      @io.close_write
      64.times { break unless @io.wait_readable(1) && @io.readpartial(16 * 1024) }
    rescue IOError, SystemCallError
      # That is the end we wait for.
    ensure
      @io.close
    end

    # Messages come in frames, and control frames may come between those (section 5.4).
    def read_message
      type = nil
      message = String.new

      loop do
        final, opcode, payload = read_frame(LIMIT - message.bytesize)
        next control(opcode, payload) if opcode >= CLOSE

        raise Violation.new(PROTOCOL_ERROR, "continues nothing") if opcode == CONTINUATION && type.nil?
        raise Violation.new(PROTOCOL_ERROR, "message within a message") if opcode != CONTINUATION && type

        type ||= opcode
        message << payload
        break if final
      end

      check_text(message) if type == TEXT
      [type, message]
    end

    def control(opcode, payload)
      case opcode
      when PING then send_frame(PONG, payload)
      when CLOSE
        close(agreed_code(payload))
        throw :closed
      end
    end

    # Section 7.4: some codes are for programs only and must not be sent.
    def agreed_code(payload)
      return NORMAL if payload.empty?

      code = payload.unpack1("n") if payload.bytesize > 1
      case code
      when 1000..1003, 1007..1014, 3000..4999
        check_text(payload.byteslice(2..))
        code
      else
        raise Violation.new(PROTOCOL_ERROR, "no such close code")
      end
    end

    def check_text(bytes)
      valid = bytes.dup.force_encoding(Encoding::UTF_8).valid_encoding?
      raise Violation.new(INVALID_TEXT, "text is not UTF-8") unless valid
    end

    # Section 5.2. `room` is what the message still may have.
    def read_frame(room)
      first, second = read(2).unpack("CC")
      final = first[7] == 1
      opcode = first & 0x0F
      length = second & 0x7F
      control = opcode >= CLOSE

      raise Violation.new(PROTOCOL_ERROR, "reserved bits") if first & 0x70 != 0
      raise Violation.new(PROTOCOL_ERROR, "unknown opcode") unless [CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG].include?(opcode)
      raise Violation.new(PROTOCOL_ERROR, "frame is not masked") if second[7].zero?
      raise Violation.new(PROTOCOL_ERROR, "control frame in pieces or too long") if control && (!final || length > 125)

      case length
      when 126 then length = read(2).unpack1("n")
      when 127 then length = read(8).unpack1("Q>")
      end
      raise Violation.new(TOO_BIG, "message exceeds #{LIMIT} bytes") if !control && length > room

      [final, opcode, unmask(read(4), read(length))]
    end

    # Section 5.3: every byte is xored with one of four; four at once is quicker.
    def unmask(mask, payload)
      key = mask.unpack1("N")
      padding = -payload.bytesize % 4
      words = (payload + "\0" * padding).unpack("N*").map { |word| word ^ key }
      words.pack("N*").byteslice(0, payload.bytesize)
    end

    def send_frame(opcode, payload)
      length = payload.bytesize
      header =
        if length < 126 then [0x80 | opcode, length].pack("CC")
        elsif length < 65_536 then [0x80 | opcode, 126, length].pack("CCn")
        else [0x80 | opcode, 127, length].pack("CCQ>")
        end
      @io.write(header, payload)
    end

    def read(length)
      receive until @received.bytesize >= length
      @received.slice!(0, length)
    end

    def receive
      unless @io.wait_readable(SILENCE)
        send_frame(PING, "")
        throw :closed unless @io.wait_readable(SILENCE)
      end
      @received << @io.readpartial(16 * 1024)
    end
  end
end
