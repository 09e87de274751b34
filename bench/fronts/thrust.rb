# frozen_string_literal: true

require_relative "../failure"
require_relative "../process_tree"

module Bench
  module Fronts
    # The release executable, with every setting at its default but the ports, the log, and what a scenario is about.
    module Thrust
      TARGET = File.expand_path(ENV.fetch("CARGO_TARGET_DIR", "target"), File.expand_path("../..", __dir__))
      GIVEN = ENV.fetch("THRUSTER_EXECUTABLE", nil)&.then { File.expand_path(_1) }
      EXECUTABLE = GIVEN || File.join(TARGET, "release/thrust")

      # Unless another is to be measured.
      def self.build
        return if GIVEN

        system("cargo", "build", "--release", "--locked", "--quiet", "-p", "thrust", chdir: ROOT) ||
          raise(Failure, "thrust does not build: cargo build --release --locked -p thrust")
      end

      # It logs to its standard output, which the lab keeps in a file.
      def self.start(lab, options, target:, name: "thrust", settings: {})
        serve(lab, options, name, [EXECUTABLE, *ProcessTree::IDLE], target: target, settings: settings)
      end

      # A program that is told what thrust is told. Where it has a certificate, its port is the one for TLS.
      def self.serve(lab, options, name, command, target:, settings:)
        environment = environment(lab, options, target: target).merge(settings)
        port = environment.fetch(settings.key?("TLS_CERTIFICATE") ? "HTTPS_PORT" : "HTTP_PORT").to_i
        lab.serve(name, command, port: port, env: environment)
      end

      def self.environment(lab, options, target:)
        # THRUSTER_HTTP_PORT in someone's shell would win over our HTTP_PORT, and each of TLS_* means TLS.
        ENV.keys.grep(/\A(THRUSTER|TLS)_/).to_h { [_1, nil] }.merge(
          "BIND" => "127.0.0.1", "HTTP_PORT" => lab.free_port.to_s, "HTTPS_PORT" => lab.free_port.to_s,
          "TARGET_PORT" => target.to_s, "LOG_REQUESTS" => options.log == :off ? "0" : "1",
          "STORAGE_PATH" => lab.path("storage")
        )
      end
      private_class_method :environment
    end
  end
end
