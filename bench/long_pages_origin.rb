# frozen_string_literal: true

# What is asked for pages that take long to compress: an nginx with one of 400 KB, and the 1 KB of Origin beside it.
# Nobody may keep them, so that each is compressed anew.

require "fileutils"
require_relative "nginx"
require_relative "origin"
require_relative "page"

module Bench
  module LongPagesOrigin
    PAGE = Page.html(409_600)

    def self.start(lab, options)
      folder = lab.path("pages")
      FileUtils.mkdir_p(folder)
      File.binwrite(File.join(folder, "long"), PAGE)
      FileUtils.chmod_R("a+rX", folder)
      port = lab.free_port
      Nginx.start(lab, "origin", port: port, workers: 1, clients: options.connections * 2, http: <<~CONF)
        access_log off;
        sendfile on;
        default_type text/html;
        server {
          listen 127.0.0.1:#{port} backlog=4096;
          keepalive_requests #{Origin::FOREVER};
          keepalive_timeout 1h;
          add_header Cache-Control no-store;
          location / { return 200 "#{Origin::BODY.chomp}\\r\\n"; }
          location = /long {
            root #{folder};
            add_header Cache-Control no-store;
          }
        }
      CONF
    end
  end
end
