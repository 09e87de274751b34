# frozen_string_literal: true

# What the proxies ask: an nginx that answers 1 KB from memory, faster than any proxy before it can ask.

require_relative "nginx"

module Bench
  module Origin
    BODY = "thrust " * 146 + "\r\n" # 1,024 bytes
    FOREVER = 1_000_000_000 # requests a connection may serve: nobody's reconnecting is to be measured

    def self.start(lab, options)
      port = lab.free_port
      # One worker: two would be woken in turn and take cycles from the proxy without answering sooner.
      Nginx.start(lab, "origin", port: port, workers: 1, clients: options.connections, http: <<~CONF)
        access_log off;
        server {
          listen 127.0.0.1:#{port} backlog=4096;
          keepalive_requests #{FOREVER};
          keepalive_timeout 1h;
          location / { default_type text/html; return 200 "#{BODY.chomp}\\r\\n"; }
        }
      CONF
    end
  end
end
