# frozen_string_literal: true

require "rbconfig"

module Thruster
  # The machine under this Ruby, named as RubyGems names platform gems.
  module Platform
    SUPPORTED = %w[x86_64-linux aarch64-linux x86_64-darwin arm64-darwin].freeze

    class << self
      # The name for this machine, be it supported or not. Alpine's linux-musl is plain
      # linux: the executable is static, so one serves both C libraries.
      def local(cpu = RbConfig::CONFIG["host_cpu"], os = RbConfig::CONFIG["host_os"])
        system = os[/linux|darwin/] || os
        "#{processor(cpu, system)}-#{system}"
      end

      def supported?(platform)
        SUPPORTED.include?(platform)
      end

      private

      # Apple and Linux call the same processor by different names, and so do their gems.
      def processor(cpu, system)
        case cpu
        when /\A(x86_64|amd64|x64)\z/ then "x86_64"
        when /\A(arm64|aarch64)\z/ then system == "darwin" ? "arm64" : "aarch64"
        else cpu
        end
      end
    end
  end
end
