# frozen_string_literal: true

require "fileutils"
require "rubygems/package"
require "tmpdir"

# The gem as `rake gem:native` packs it around the executable under test; packed once for all tests.
module PackedGem
  ROOT = File.expand_path("../..", __dir__)
  PACKING = Mutex.new

  # Bundler's own variables would make `rake` or `bundle` act for this checkout and not for the place they are in.
  OUTSIDE_BUNDLER = Program::INHERITED.keys.grep(/\A(BUNDLE|RUBY(OPT|LIB)\z)/).to_h { |name| [name, nil] }.freeze

  class << self
    # The path of the package.
    def path
      PACKING.synchronize { @path ||= pack }
    end

    # What it says of itself.
    def spec
      path.then { |package| PACKING.synchronize { @spec ||= Gem::Package.new(package).spec } }
    end

    # The mode of each file in it, by name.
    def modes
      modes = {}
      File.open(path, "rb") do |package|
        Gem::Package::TarReader.new(package).seek("data.tar.gz") do |data|
          Zlib::GzipReader.wrap(data) do |files|
            Gem::Package::TarReader.new(files).each { |file| modes[file.full_name] = file.header.mode & 0o777 }
          end
        end
      end
      modes
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
