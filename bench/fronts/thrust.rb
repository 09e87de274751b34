# frozen_string_literal: true

require_relative "../failure"
require_relative "../process_tree"

module Bench
  module Fronts
    # The release executable, with every setting at its default but the ports, the log, and what a scenario is about.
    module Thrust
      TARGET = File.expand_path(ENV.fetch("CARGO_TARGET_DIR", "target"), File.expand_path("../..", __dir__))
      EXECUTABLE = File.join(TARGET, "release/thrust")

      def self.build
        system("cargo", "build", "--release", "--locked", "--quiet", "-p", "thrust", chdir: ROOT) ||
          raise(Failure, "thrust does not build: cargo build --release --locked -p thrust")
      end

      # It logs to its standard output, which the lab keeps in a file.
      def self.start(lab, options, target:, name: "thrust", settings: {})
        port = lab.free_port
        lab.serve(name, [EXECUTABLE, *ProcessTree::IDLE],
                  port: port, env: environment(lab, options, port: port, target: target).merge(settings))
      end

      def self.environment(lab, options, port:, target:)
        # THRUSTER_HTTP_PORT in someone's shell would win over our HTTP_PORT.
        ENV.keys.grep(/\ATHRUSTER_/).to_h { [_1, nil] }.merge(
          "BIND" => "127.0.0.1", "HTTP_PORT" => port.to_s, "TARGET_PORT" => target.to_s,
          "LOG_REQUESTS" => options.log == :off ? "0" : "1", "STORAGE_PATH" => lab.path("storage"), "TLS_DOMAIN" => nil
        )
      end
    end
  end
end
