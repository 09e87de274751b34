# frozen_string_literal: true

# Whether compressing long pages makes others wait: short requests, now and then, while others keep the proxy busy with
# pages of 400 KB that it compresses for each answer anew. Where Debian's nginx has not the coding, it has gzip.

require_relative "../fronts"
require_relative "../loads"
require_relative "../long_pages_origin"
require_relative "../origin"
require_relative "../probe"
require_relative "../row"

module Bench
  module Waits
    TITLE = "how long short requests wait while long pages are compressed"
    NEEDS = %w[brotli zstd].freeze
    USUAL = false
    CLIENTS = 8

    # Short requests are to wait for the proxy, not to be its load: 8 connections ask some 1,500 times a second.
    PAUSE = 10 # most milliseconds between an answer and the next request
    SHORT = Wrk::Ask.new(path: "/", pause: PAUSE)

    CODINGS = { "nothing else" => false, "pages as they are" => nil, "gzip" => "gzip", "br (nginx: gzip)" => "br",
                "zstd (nginx: gzip)" => "zstd" }.freeze

    def self.rows(lab, options)
      options = options.with(connections: CLIENTS)
      room = Room.new(-> { LongPagesOrigin.start(lab, options) }) do |origin|
        Fronts.start(lab, options, target: origin.port, nginx: Fronts::NginxGzip)
      end
      CODINGS.map { |name, coding| row(room, name, coding) }
    end

    def self.row(room, name, coding)
      coding_of = ->(server) { server.name == "nginx" && coding ? "gzip" : coding }
      asks = ->(server) { ask(coding_of[server]) unless coding == false }
      check = lambda do |server|
        Probe.check(server, SHORT, Probe::Expected.new("200", nil, Origin::BODY))
        expected = Probe::Expected.new("200", coding_of[server], LongPagesOrigin::PAGE)
        Probe.check(server, asks[server], expected) if asks[server]
        Origin::BODY.bytesize
      end
      Row.new(name: name, room: room, load: Beside.new(SHORT, asks, CLIENTS), check: check)
    end

    def self.ask(coding)
      coding ? Wrk::Ask.to("/long", Accept_Encoding: coding) : Wrk::Ask.to("/long")
    end
    private_class_method :row, :ask
  end
end
