# frozen_string_literal: true

require_relative "../certificate"
require_relative "../debian"
require_relative "../machine"

module Bench
  module Fronts
    # haproxy with a thread a core: the same fields added, and a line of JSON with most of the same for each request.
    # Its connections to the application are shared among all threads. `h2c`: HTTP/2 without TLS, and nothing else.
    Haproxy = Struct.new(:certificate, :h2c, :gzip, keyword_init: true) do
      HAPROXY_LOG = {
        time: '"%trl"', level: '"INFO"', msg: '"Request"', path: '"%HPO"', status: "%ST", dur: "%Ta", method: '"%HM"',
        resp_content_type: '"%[capture.res.hdr(0)]"', remote_addr: '"%ci:%cp"', user_agent: '"%[capture.req.hdr(0)]"',
        query: '"%HQ"', proto: '"%HV"', request_id: '"%ID"', upstream: "%Tr", bytes_in: "%U", bytes_out: "%B"
      }.map { |name, value| %("#{name}":#{value}) }.join(",")

      def start(lab, options, target:)
        port = lab.free_port
        file = lab.write("haproxy-#{port}.cfg", configuration(lab, port, options, target))
        lab.serve("haproxy", [Debian.locate("haproxy"), "-db", "-f", file], port: port)
      end

      private

      def configuration(lab, port, options, target)
        <<~CONF
          global
            nbthread #{Machine.cores}
            maxconn #{options.connections + 1_000}
            no strict-limits
            #{"log stdout format raw local0" unless options.log == :off}
          defaults
            mode http
            timeout connect 10s
            timeout client 60s
            timeout server 60s
            timeout tunnel 1h
          frontend clients
            bind 127.0.0.1:#{port} backlog 4096 #{listen(lab)}
            #{"log global\n  log-format '{#{HAPROXY_LOG}}'" unless options.log == :off}
            capture request header User-Agent len 128
            capture response header Content-Type len 64
            option forwardfor
            unique-id-format %[uuid()]
            unique-id-header X-Request-Id
            http-request set-header X-Forwarded-Host %[req.hdr(host)]
            http-request set-header X-Forwarded-Proto #{certificate ? "https" : "http"}
            http-request set-header X-Request-Start t=%[date(0,ms)]
            http-response set-header X-Request-Id %[unique-id]
            http-response set-header X-Cache miss
            default_backend app
          backend app
            http-reuse always
            #{"compression algo gzip\n  compression type text/html" if gzip}
            server app 127.0.0.1:#{target}
        CONF
      end

      # It wants the certificate and its key in one file.
      def listen(lab)
        return ("proto h2" if h2c) unless certificate

        both = lab.write("haproxy.pem", File.read(certificate.chain) + File.read(certificate.key))
        File.chmod(0o600, both)
        "ssl crt #{both} alpn h2,http/1.1 prefer-client-ciphers"
      end
    end
  end
end
