# frozen_string_literal: true

require_relative "caddy"

module Bench
  module Fronts
    # caddy that sends files: what its manual has for X-Accel-Redirect, and for a folder before an application.
    module CaddyFiles
      # Files below `root` that the application names.
      def self.named(root)
        Caddy.new(proxy: <<~CADDYFILE)
          header_up X-Sendfile-Type X-Accel-Redirect
          @named header X-Accel-Redirect *
          handle_response @named {
            root * #{root}
            rewrite * {rp.header.X-Accel-Redirect}
            uri strip_prefix /internal
            method * GET
            file_server
          }
        CADDYFILE
      end

      # What is in `folder`, compressed if there is a .gz beside it.
      def self.served(folder)
        Caddy.new(site: <<~CADDYFILE)
          root * #{folder}
          @there file
          handle @there {
            header Cache-Control "public, no-cache"
            file_server {
              precompressed gzip
            }
          }
        CADDYFILE
      end
    end
  end
end
