# frozen_string_literal: true

require_relative "nginx"

module Bench
  module Fronts
    # nginx that sends what is below `folder` itself, compressed if there is a .gz beside it, and asks the application
    # for all else. It looks for the one name; thrust looks for three, as Rails does.
    NginxStatic = Struct.new(:folder) do
      def start(lab, options, target:)
        Nginx.start(lab, options, target: target, http: Nginx::SENDFILE, place: "@app", server: <<~SERVER)
          types {
            text/html html;
            application/octet-stream bin;
          }
          root #{folder};
          gzip_vary on;
          location / {
            try_files $uri @app;
            gzip_static on;
            #{Nginx.fields("bypass")}
            add_header Cache-Control "public, no-cache";
          }
        SERVER
      end
    end
  end
end
