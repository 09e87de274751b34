# frozen_string_literal: true

require_relative "nginx"

module Bench
  module Fronts
    # One of the other nginxes, with TLS and HTTP/2. `kept` is how many connections to the application a worker keeps.
    NginxTls = Struct.new(:nginx, :certificate, :kept) do
      def start(lab, options, target:)
        nginx.start(lab, options, target: target, certificate: certificate, kept: kept)
      end
    end
  end
end
