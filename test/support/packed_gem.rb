# frozen_string_literal: true

require "fileutils"
require "tmpdir"
require_relative "package"

# The gem as `rake gem:native` packs it around the executable under test; packed once for all tests.
module PackedGem
  ROOT = File.expand_path("../..", __dir__)
  PACKING = Mutex.new

  # Bundler's own variables would make `rake` or `bundle` act for this checkout and not for the place they are in.
  OUTSIDE_BUNDLER = Program::INHERITED.keys.grep(/\A(BUNDLE|RUBY(OPT|LIB)\z)/).to_h { |name| [name, nil] }.freeze

  # cargo and rustup keep their things there, where it is not below HOME.
  RUST = ENV.to_h.slice("CARGO_HOME", "RUSTUP_HOME", "RUSTUP_TOOLCHAIN").freeze

  class << self
    # The path of the package.
    def path
      PACKING.synchronize { @path ||= pack }
    end

    # What it says of itself.
    def spec
      path.then { |package| PACKING.synchronize { @spec ||= Package.new(package).spec } }
    end

    private

    def pack
      packages = Dir.mktmpdir("thruster-packages")
      Minitest.after_run { FileUtils.remove_entry(packages) }
      rake = Program.new("rake", "gem:native", "EXECUTABLE=#{Thrust.executable}", "PACKAGES=#{packages}",
                         env: OUTSIDE_BUNDLER, directory: ROOT)
      raise "rake gem:native failed:\n#{rake.said}" unless rake.exit_status.zero?

      Dir["#{packages}/*.gem"].first
    end
  end
end
