# frozen_string_literal: true

# What is asked for files: an nginx that names them, as an application with Rack::Sendfile does, in the header that the
# proxy says it knows. All else that it is asked for is the 1 KB of Origin. Nobody may keep anything.

require_relative "nginx"
require_relative "origin"

module Bench
  module FilesOrigin
    # Asked for /files/NAME, it names the file of that path below `root`.
    def self.start(lab, options, root:)
      port = lab.free_port
      Nginx.start(lab, "origin", port: port, workers: 1, clients: options.connections, http: <<~CONF)
        access_log off;
        types {
          text/html html;
          application/octet-stream bin;
        }
        default_type text/html;
        map $http_x_sendfile_type $sendfile { X-Sendfile "#{root}$uri"; }
        map $http_x_sendfile_type $accel { X-Accel-Redirect "/internal$uri"; }
        server {
          listen 127.0.0.1:#{port} backlog=4096;
          keepalive_requests #{Origin::FOREVER};
          keepalive_timeout 1h;
          add_header Cache-Control private;
          location / { return 200 "#{Origin::BODY.chomp}\\r\\n"; }
          location /files/ {
            add_header Cache-Control private;
            add_header X-Sendfile $sendfile;
            add_header X-Accel-Redirect $accel;
            return 200 "";
          }
        }
      CONF
    end
  end
end
