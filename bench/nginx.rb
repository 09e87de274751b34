# frozen_string_literal: true

# Debian's nginx, run from a configuration of ours and kept inside the lab.

require_relative "debian"
require_relative "failure"

module Bench
  module Nginx
    # Debian's own number. More takes memory from the start, so it is raised only where it must be.
    CONNECTIONS = 768

    # Each worker is ready to have all `clients`, as many connections of its own to what is behind it, and `files` open.
    def self.start(lab, name, port:, workers:, clients:, http:, files: 0)
      connections = [CONNECTIONS, clients * 2 + 100].max
      conf = lab.write("#{name}.conf", <<~CONF)
        daemon off;
        worker_processes #{workers};
        worker_rlimit_nofile #{connections + files + 100};
        pid #{lab.path("#{name}.pid")};
        error_log stderr error;
        events { worker_connections #{connections}; }
        http {
        #{temporary_paths(lab, name)}
        #{http}
        }
      CONF
      lab.serve(name, [Debian.locate("nginx"), "-c", conf, "-e", "stderr"], port: port)
    end

    # Compiled into Debian's nginx as folders below /var/lib, which only root may write to.
    def self.temporary_paths(lab, name)
      %w[client_body proxy fastcgi uwsgi scgi].map { "#{_1}_temp_path #{lab.path("#{name}-#{_1}")};" }.join("\n")
    end
    private_class_method :temporary_paths
  end
end
