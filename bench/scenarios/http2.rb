# frozen_string_literal: true

# Requests over HTTP/2 with and without TLS, and over TLS in HTTP/1.1. Nothing is measured before the answers have been
# seen to be right, and to come in the version that the row is about.

require_relative "../certificate"
require_relative "../curl"
require_relative "../fronts"
require_relative "../loads"
require_relative "../page"
require_relative "../pages_origin"
require_relative "../row"

module Bench
  module Http2
    TITLE = "1 KB proxied and 20 KB cached, over h2c, HTTP/2 and TLS"
    NEEDS = %w[brotli].freeze
    USUAL = true
    CLIENTS = 160 # CONNECTIONS times STREAMS

    # In HTTP/2 a client has one connection and asks for much at once, as a browser does that has just got a page.
    CONNECTIONS = 16
    STREAMS = 10
    SECURE = 64 # connections over HTTP/1.1

    NAME = "20KB"
    PAGE = Page.html(20_480)

    def self.rows(lab, options)
      origin = nil
      options = options.with(connections: CLIENTS)
      start = -> { origin ||= PagesOrigin.new(lab, options, pages: { NAME => PAGE }) }
      certificate = Certificate.new(lab)
      clear = { settings: { "H2C_ENABLED" => "1" } }
      secure = { settings: { "TLS_CERTIFICATE" => certificate.chain, "TLS_KEY" => certificate.key } }
      room = ->(words) { Room.new(start) { Fronts.start(lab, options, target: _1.port, **words) } }
      over_tls = room[{ **secure, **proxies(certificate) }]
      [fresh(room[{ **clear, **proxies(nil) }], "h2c", nil), fresh(over_tls, "HTTP/2 over TLS", certificate),
       fresh_http1(over_tls, certificate), kept(room[{ **clear, **caches(nil) }], "h2c", nil),
       kept(room[{ **secure, **caches(certificate) }], "HTTP/2 over TLS", certificate)]
    end

    def self.proxies(certificate)
      { nginx: Fronts::NginxHttp2.new(Fronts::Nginx, certificate, CLIENTS),
        caddy: Fronts::Caddy.new(certificate: certificate),
        haproxy: Fronts::Haproxy.new(certificate: certificate, h2c: certificate.nil?) }
    end

    def self.caches(certificate) = { nginx: Fronts::NginxHttp2.new(Fronts::NginxCache, certificate, CLIENTS) }

    def self.fresh(room, how, certificate)
      Row.new(name: "1 KB, #{how}", room: room, load: load(PagesOrigin::FRESH, Origin::BODY, certificate),
              headline: true, check: lambda { |server|
                Curl.check(server, PagesOrigin::FRESH, version: "2", body: Origin::BODY, certificate: certificate)
              })
    end

    def self.fresh_http1(room, certificate)
      Row.new(name: "1 KB, HTTP/1.1 over TLS", room: room,
              load: Loads::Secure.new(PagesOrigin::FRESH, Origin::BODY.bytesize, SECURE),
              check: lambda { |server|
                Curl.check(server, PagesOrigin::FRESH, version: "1.1", body: Origin::BODY, certificate: certificate)
              })
    end

    def self.kept(room, how, certificate)
      path = "/plain/#{NAME}"
      Row.new(name: "20 KB cached, #{how}", room: room, load: load(path, PAGE, certificate), kept: true,
              check: ->(server) { Curl.settle(server, path, version: "2", body: PAGE, certificate: certificate) })
    end

    def self.load(path, body, certificate)
      Loads::Streams.new(H2load.new(path: path, length: body.bytesize, connections: CONNECTIONS, streams: STREAMS,
                                    secure: !certificate.nil?, version: "2"))
    end
    private_class_method :proxies, :caches, :fresh, :fresh_http1, :kept, :load
  end
end
