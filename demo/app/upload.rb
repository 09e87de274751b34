# frozen_string_literal: true

require "digest"

module Demo
  # Takes a file of any size, tells its size and checksum, and forgets it. A form sends it as multipart, `curl -T FILE`
  # sends it bare. We see it a block at a time; Puma has put all of it into a temporary file before it asks us.
  module Upload
    # What the page tells about a file. Stands where Rack would put a temporary file.
    class Receipt
      attr_reader :name, :size

      def initialize(name)
        @name = name
        @size = 0
        @digest = Digest::SHA256.new
      end

      def <<(bytes)
        @size += bytes.bytesize
        @digest << bytes
        self
      end

      def checksum = @digest.hexdigest

      # Rack rewinds and closes what it filled.
      def rewind = 0
      def close = nil
    end

    def self.call(request)
      started = now
      receipt = request.form_data? ? from_form(request) : from_body(request)
      return refuse(request, 422, "No file came with the form.") unless receipt

      respond(request, receipt, now - started)
    rescue EOFError
      refuse(request, 400, "The form ends before it is complete.")
    end

    # Only multipart parts with a file name come to the factory.
    def self.from_form(request)
      receipts = []
      request.set_header("rack.multipart.tempfile_factory", lambda { |name, _type|
        Receipt.new(name).tap { |receipt| receipts << receipt }
      })
      request.POST
      receipts.find { |receipt| !receipt.name.empty? }
    end

    def self.from_body(request)
      receipt = Receipt.new("(no name)")
      block = String.new
      receipt << block while request.body&.read(64 * 1024, block)
      receipt
    end

    def self.respond(request, receipt, seconds)
      case request.get_header("HTTP_ACCEPT")
      when %r{text/html}
        Page.respond("upload", title: "Received", receipt: receipt, seconds: seconds)
      else
        line = "#{receipt.checksum}  #{receipt.size} bytes\n"
        [200, { "content-type" => "text/plain", "cache-control" => "no-store" }, [line]]
      end
    end

    def self.refuse(request, status, reason)
      Failures.respond(request, status, "That was no upload", reason)
    end

    def self.now = Process.clock_gettime(Process::CLOCK_MONOTONIC)

    private_class_method :from_form, :from_body, :respond, :refuse, :now
  end
end
