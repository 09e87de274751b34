# frozen_string_literal: true

# The programs measured against and with: Debian's, installed when that needs no password.

require_relative "failure"

module Bench
  module Debian
    PACKAGES = { "nginx" => "nginx-light", "wrk" => "wrk", "puma" => "puma", "brotli" => "brotli" }.freeze

    # Debian keeps nginx where an ordinary user's PATH does not look.
    PATH = [*ENV.fetch("PATH").split(":"), "/usr/sbin"].freeze

    def self.provide(*programs)
      missing = programs.reject { locate(_1) }
      return if missing.empty?

      install = "apt-get install --no-install-recommends #{PACKAGES.values_at(*missing).join(" ")}"
      raise Failure, "#{missing.join(" and ")} not found; install and run again" unless locate("apt-get")
      raise Failure, "#{missing.join(" and ")} not found; type: sudo #{install}" unless Process.uid.zero?

      puts "Installing #{missing.join(" and ")} from Debian"
      system({ "DEBIAN_FRONTEND" => "noninteractive" }, "apt-get update && #{install} --yes", in: File::NULL, out: :err) ||
        raise(Failure, "apt-get could not install them")
    end

    def self.locate(program)
      PATH.map { File.join(_1, program) }.find { File.executable?(_1) }
    end
  end
end
