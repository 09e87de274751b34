# frozen_string_literal: true

require_relative "nginx"

module Bench
  module Fronts
    # nginx that passes everything on as it comes, as thrust does unasked: bodies of requests are not collected first,
    # nor those of answers, and WebSockets are let through.
    module NginxStreams
      UPGRADES = "map $http_upgrade $connection_upgrade { default upgrade; '' ''; }"
      RULES = <<~CONF
        proxy_request_buffering off;
        proxy_buffering off;
        client_max_body_size 0;
        proxy_set_header Upgrade $http_upgrade;
        proxy_read_timeout 1h;
      CONF

      def self.start(lab, options, target:)
        Nginx.start(lab, options, target: target, http: UPGRADES, connection: "$connection_upgrade", location: RULES)
      end
    end
  end
end
