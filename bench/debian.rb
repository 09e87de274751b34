# frozen_string_literal: true

# The programs measured against and with: Debian's, installed when that needs no password.

require_relative "failure"

module Bench
  module Debian
    PACKAGES = { "nginx" => "nginx-light", "wrk" => "wrk", "puma" => "puma", "brotli" => "brotli",
                 "zstd" => "zstd", "caddy" => "caddy", "haproxy" => "haproxy", "h2load" => "nghttp2-client",
                 "curl" => "curl" }.freeze

    # Debian keeps nginx where an ordinary user's PATH does not look.
    PATH = [*ENV.fetch("PATH").split(":"), "/usr/sbin"].freeze

    def self.provide(*programs)
      missing = programs.reject { locate(_1) }
      return if missing.empty?

      install(missing, PACKAGES.values_at(*missing))
    end

    # Packages that the benchmark can go on without: says why when one is not to be had.
    def self.offer(*packages)
      packages.reject { installed?(_1) }.each do |package|
        install([package], [package])
      rescue Failure => failure
        puts "#{failure.message} (going on without)"
      end
    end

    def self.install(missing, packages)
      # What is there stays: a nodejs from elsewhere would have to go for nodejs-doc, and apt would see to it unasked.
      install = "apt-get install --no-remove --no-install-recommends #{packages.join(" ")}"
      raise Failure, "#{missing.join(" and ")} not found; install and run again" unless locate("apt-get")
      raise Failure, "#{missing.join(" and ")} not found; type: sudo #{install}" unless Process.uid.zero?

      puts "Installing #{missing.join(" and ")} from Debian"
      system({ "DEBIAN_FRONTEND" => "noninteractive" }, "apt-get update && #{install} --yes", in: File::NULL, out: :err) ||
        raise(Failure, "apt-get could not install #{packages.join(" and ")}")
    end
    private_class_method :install

    def self.installed?(package)
      query = ["dpkg-query", "--show", "--showformat", "${db:Status-Status}", package]
      IO.popen(query, err: File::NULL, &:read) == "installed"
    rescue Errno::ENOENT
      false
    end
    private_class_method :installed?

    # Of the packages that are there.
    def self.versions
      query = ["dpkg-query", "--show", "--showformat", "${db:Status-Status} ${Package} ${Version}\n", *PACKAGES.values]
      lines = IO.popen(query, err: File::NULL, &:readlines).map(&:split)
      lines.filter_map { |status, *package| package if status == "installed" }.to_h
    rescue Errno::ENOENT
      {}
    end

    def self.locate(program)
      PATH.map { File.join(_1, program) }.find { File.executable?(_1) }
    end
  end
end
