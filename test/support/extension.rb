# frozen_string_literal: true

require "fileutils"
require "rbconfig"
require "tmpdir"

# The engine as an extension of this Ruby, compiled once for all tests.
module Extension
  ROOT = File.expand_path("../..", __dir__)
  COMPILING = Mutex.new

  class << self
    # A folder for the load path, in which it is thruster/native.so.
    def folder
      COMPILING.synchronize { @folder ||= compile }
    end

    # The library itself.
    def path
      File.join(folder, "thruster", "native.#{RbConfig::CONFIG["DLEXT"]}")
    end

    # Has this very process find it.
    def load
      $LOAD_PATH.unshift(folder) unless $LOAD_PATH.include?(folder)
      require "thruster"
    end

    private

    def compile
      system(*%w[cargo build --quiet --locked --package thruster-ruby], chdir: ROOT, exception: true)
      built = File.join(ENV.fetch("CARGO_TARGET_DIR", "target"), "debug", "libthruster_ruby.#{RbConfig::CONFIG["SOEXT"]}")
      folder = Dir.mktmpdir("thruster-extension")
      Minitest.after_run { FileUtils.remove_entry(folder) }
      FileUtils.mkdir("#{folder}/thruster")
      FileUtils.cp(File.expand_path(built, ROOT), "#{folder}/thruster/native.#{RbConfig::CONFIG["DLEXT"]}")
      folder
    end
  end
end
