# frozen_string_literal: true

require_relative "nginx"

module Bench
  module Fronts
    # One of the other nginxes with HTTP/2: with a certificate over TLS, without one by prior knowledge. `kept` is how
    # many connections to the application a worker keeps.
    NginxHttp2 = Struct.new(:nginx, :certificate, :kept) do
      def start(lab, options, target:)
        nginx.start(lab, options, target: target, certificate: certificate, http2: true, kept: kept)
      end
    end
  end
end
