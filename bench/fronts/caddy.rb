# frozen_string_literal: true

require_relative "../certificate"
require_relative "../debian"

module Bench
  module Fronts
    # caddy as its users have it: a line of JSON for each request, and as many kept connections to the application as
    # there are requests at once. `site` is what is said of requests besides, `proxy` what is said of those for the
    # application. With a certificate, it speaks TLS.
    Caddy = Struct.new(:certificate, :kept, :site, :proxy, keyword_init: true) do
      def start(lab, options, target:)
        port = lab.free_port
        file = lab.write("Caddyfile-#{port}", caddyfile(port, options, target))
        # It writes down below these what it was told, though nobody will ask for that again.
        homes = %w[HOME XDG_CONFIG_HOME XDG_DATA_HOME].to_h { [_1, lab.path("caddy")] }
        lab.serve("caddy", [Debian.locate("caddy"), "run", "--adapter", "caddyfile", "--config", file],
                  port: port, env: homes)
      end

      private

      def caddyfile(port, options, target)
        <<~CADDYFILE
          {
            admin off
            auto_https off
            servers {
              protocols h1 h2 h2c
            }
          }
          #{certificate ? "https://#{Certificate::NAME}" : "http://"}:#{port} {
            bind 127.0.0.1
            #{"tls #{certificate.chain} #{certificate.key}" if certificate}
            #{"log {\noutput stdout\nformat json\n}" unless options.log == :off}
            #{site}
            reverse_proxy 127.0.0.1:#{target} {
              #{proxy}
              transport http {
                keepalive_idle_conns_per_host #{kept || options.connections}
              }
            }
          }
        CADDYFILE
      end
    end
  end
end
