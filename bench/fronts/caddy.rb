# frozen_string_literal: true

require_relative "../certificate"
require_relative "../debian"

module Bench
  module Fronts
    # caddy as its users have it, with a certificate of their own: a line of JSON for each request, and as many kept
    # connections to the application as there are requests at once.
    Caddy = Struct.new(:certificate, :kept) do
      def start(lab, options, target:)
        port = lab.free_port
        file = lab.write("Caddyfile", caddyfile(port, options.log, target))
        # It writes down below these what it was told, though nobody will ask for that again.
        homes = %w[HOME XDG_CONFIG_HOME XDG_DATA_HOME].to_h { [_1, lab.path("caddy")] }
        lab.serve("caddy", [Debian.locate("caddy"), "run", "--adapter", "caddyfile", "--config", file],
                  port: port, env: homes)
      end

      private

      def caddyfile(port, log, target)
        <<~CADDYFILE
          {
            admin off
            auto_https off
            servers {
              protocols h1 h2
            }
          }
          https://#{Certificate::NAME}:#{port} {
            bind 127.0.0.1
            tls #{certificate.chain} #{certificate.key}
            #{"log {\noutput stdout\nformat json\n}" unless log == :off}
            reverse_proxy 127.0.0.1:#{target} {
              transport http {
                keepalive_idle_conns_per_host #{kept}
              }
            }
          }
        CADDYFILE
      end
    end
  end
end
