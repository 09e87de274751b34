# frozen_string_literal: true

require_relative "nginx"

module Bench
  module Fronts
    # nginx that sends the files below `root` for an application which names them: X-Accel-Redirect. Each is opened
    # anew, as in Debian's configuration; `open_file_cache` would spare that, and find out late what a deploy changed.
    NginxAccel = Struct.new(:root) do
      # The request field asks Rack::Sendfile for this header rather than for X-Sendfile.
      ASKING = "proxy_set_header X-Sendfile-Type X-Accel-Redirect;"

      def start(lab, options, target:)
        Nginx.start(lab, options, target: target, http: Nginx::SENDFILE, location: ASKING, server: <<~SERVER)
          location /internal/ {
            internal;
            alias #{root}/;
            #{Nginx.fields("miss")}
          }
        SERVER
      end
    end
  end
end
