# frozen_string_literal: true

# Shaking hands over TLS 1.3, and leaving: full handshakes, and those that resume a session.

require_relative "../certificate"
require_relative "../curl"
require_relative "../fronts"
require_relative "../loads"
require_relative "../pages_origin"
require_relative "../row"

module Bench
  module TlsHandshakes
    TITLE = "TLS 1.3 handshakes, full and resumed"
    NEEDS = [].freeze
    USUAL = true
    CLIENTS = 64

    def self.rows(lab, options)
      certificate = Certificate.new(lab)
      settings = { "TLS_CERTIFICATE" => certificate.chain, "TLS_KEY" => certificate.key }
      room = Room.new(-> { PagesOrigin.new(lab, options) }) do |origin|
        Fronts.start(lab, options, target: origin.port, settings: settings, **rivals(certificate))
      end
      check = lambda do |server|
        Curl.check(server, PagesOrigin::FRESH, version: "2", body: Origin::BODY, certificate: certificate)
        nil # what comes later has no body
      end
      %w[full resumed].map do |kind|
        Row.new(name: kind, room: room, load: Loads::Handshaking.new(kind, certificate.authority), check: check,
                headline: kind == "full")
      end
    end

    def self.rivals(certificate)
      { nginx: Fronts::NginxHttp2.new(Fronts::Nginx, certificate, CLIENTS),
        caddy: Fronts::Caddy.new(certificate: certificate), haproxy: Fronts::Haproxy.new(certificate: certificate) }
    end
    private_class_method :rivals
  end
end
