# frozen_string_literal: true

# A page of HTML that nobody may keep, and that is compressed for each answer anew, at everyone's own level.

require_relative "../fronts"
require_relative "../loads"
require_relative "../page"
require_relative "../pages_origin"
require_relative "../probe"
require_relative "../row"

module Bench
  module Compression
    TITLE = "30 KB of HTML, compressed (gzip) for each answer"
    NEEDS = %w[brotli].freeze
    USUAL = true
    CLIENTS = 64

    PAGE = Page.html(30 << 10)

    def self.rows(lab, options)
      room = Room.new(-> { PagesOrigin.new(lab, options, pages: { "30KB" => PAGE }, keep: "no-store") }) do |origin|
        Fronts.start(lab, options, target: origin.port, nginx: Fronts::NginxGzip,
                                   caddy: Fronts::Caddy.new(site: "encode gzip"),
                                   haproxy: Fronts::Haproxy.new(gzip: true))
      end
      ask = Wrk::Ask.to("/plain/30KB", Accept_Encoding: "gzip")
      expected = Probe::Expected.new("200", "gzip", PAGE)
      [Row.new(name: "30 KB gzip", room: room, load: Loads::Requests.for(ask, CLIENTS), headline: true,
               check: ->(server) { Probe.check(server, ask, expected) })]
    end
  end
end
