# frozen_string_literal: true

require_relative "nginx"

module Bench
  module Fronts
    # nginx with proxy_cache, as somebody would set it up who has read its manual to the end: bodies leave through
    # sendfile(2), files stay open, nothing is written or asked twice. How long it keeps what, the origin says, as it
    # does for thrust. What comes plain is compressed at the level that `gzip on` means.
    module NginxCache
      FILES = 12_000 # more than any scenario has

      def self.start(lab, options, target:, **connections)
        Nginx.start(lab, options, target: target, cache_status: "$upstream_cache_status", files: FILES,
                                  http: stores(lab.path("nginx-cache")), location: RULES, **connections)
      end

      def self.stores(folder)
        <<~CONF
          #{Nginx::SENDFILE}
          open_file_cache max=#{FILES} inactive=10m;
          open_file_cache_valid 1m;
          gzip on;
          gzip_vary on;
          proxy_cache_path #{folder} levels=1:2 keys_zone=pages:16m max_size=1g inactive=1d use_temp_path=off;
        CONF
      end

      RULES = <<~CONF
        proxy_cache pages;
        proxy_cache_key $scheme$http_host$request_uri;
        proxy_cache_lock on;
        proxy_cache_revalidate on;
        proxy_cache_background_update on;
        proxy_cache_use_stale error timeout updating;
      CONF
      private_class_method :stores
      private_constant :RULES
    end
  end
end
