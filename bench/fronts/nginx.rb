# frozen_string_literal: true

require_relative "../machine"
require_relative "../nginx"
require_relative "../origin"

module Bench
  module Fronts
    # nginx as its users would set it up for the same job: a worker a core, kept upstream connections, and what
    # thrust does for every request: the forwarding headers, and a line of JSON in the log.
    module Nginx
      KEPT = 64 # idle upstream connections a worker keeps: as many as the benchmark has clients

      # What thrust logs, under the same names. CACHE stands for what the cache did.
      LOG_FORMAT = {
        time: '"$time_iso8601"', level: '"INFO"', msg: '"Request"', path: '"$uri"', status: "$status",
        dur: "$request_time", method: '"$request_method"', req_content_length: '"$content_length"',
        req_content_type: '"$content_type"', resp_content_length: '"$sent_http_content_length"',
        resp_content_type: '"$sent_http_content_type"', remote_addr: '"$remote_addr"',
        user_agent: '"$http_user_agent"', cache: '"CACHE"', query: '"$args"', proto: '"$server_protocol"',
        request_id: '"$request_id"', upstream: '"$upstream_header_time"', bytes_in: "$request_length",
        bytes_out: "$bytes_sent"
      }.map { |name, value| %("#{name}":#{value}) }.join(",")

      # For files that nginx sends itself: no copies in its memory, and whole packets.
      SENDFILE = "sendfile on;\ntcp_nopush on;"

      # As is recommended today: the client's order of ciphers, sessions that all workers know, and tickets for clients
      # that keep theirs.
      def self.tls(certificate)
        <<~CONF
          ssl_certificate #{certificate.chain};
          ssl_certificate_key #{certificate.key};
          ssl_protocols TLSv1.2 TLSv1.3;
          ssl_session_cache shared:tls:10m;
          ssl_session_timeout 1d;
          ssl_session_tickets on;
        CONF
      end

      # What is added to each answer.
      def self.fields(cache_status) = "add_header X-Request-Id $request_id;\nadd_header X-Cache #{cache_status};"

      # `cache_status` is what X-Cache and the log tell of the cache; `http`, `server` and `location` are for what comes
      # on top, the last to what is said of requests for the application, which are those of `place`.
      # `connection` is the field of that name which they have. With a certificate, it speaks TLS.
      def self.start(lab, options, target:, cache_status: "miss", http: "", server: "", place: "/", location: "",
                     connection: '""', files: 0, certificate: nil, http2: false, kept: KEPT)
        port = lab.free_port
        workers = Machine.cores
        clients = options.connections
        Bench::Nginx.start(lab, "nginx", port: port, workers: workers, clients: clients, files: files, http: <<~CONF)
          #{access_log(options.log, cache_status)}
          #{http}
          upstream app {
            server 127.0.0.1:#{target};
            keepalive #{kept};
            keepalive_requests #{Origin::FOREVER};
          }
          server {
            listen 127.0.0.1:#{port}#{" ssl" if certificate}#{" http2" if http2} backlog=4096;
            #{tls(certificate) if certificate}
            keepalive_requests #{Origin::FOREVER};
            #{server}
            location #{place} {
              proxy_pass http://app;
              proxy_http_version 1.1;
              proxy_set_header Connection #{connection};
              proxy_set_header Host $http_host;
              proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
              proxy_set_header X-Forwarded-Host $http_host;
              proxy_set_header X-Forwarded-Proto $scheme;
              proxy_set_header X-Request-Id $request_id;
              proxy_set_header X-Request-Start "t=$msec";
              #{fields(cache_status)}
              #{location}
            }
          }
        CONF
      end

      # To its standard output, as thrust does: the lab keeps that in a file.
      def self.access_log(log, cache_status)
        return "access_log off;" if log == :off

        buffer = " buffer=64k flush=1s" if log == :buffered
        format = LOG_FORMAT.sub("CACHE", cache_status)
        "log_format requests escape=json '{#{format}}';\naccess_log /dev/stdout requests#{buffer};"
      end
      private_class_method :access_log, :tls
    end
  end
end
