# frozen_string_literal: true

require "fileutils"
require "tmpdir"
require "thruster/platform"
require "thruster/version"
require_relative "package"

# The gems of all platforms as `rake gem:trial` has packed them: it takes minutes, and so comes before the tests.
module TrialGems
  DIRECTORY = File.expand_path("gems", ENV.fetch("CARGO_TARGET_DIR", "target"))
  SOURCE = "ruby"
  ALL = [*Thruster::Platform::SUPPORTED, SOURCE].freeze
  UNPACKING = Mutex.new

  # Where executables for every system can be built, and some can be run.
  HERE = RUBY_PLATFORM.match?(/\Ax86_64-linux/)

  class << self
    def package(platform)
      name = platform == SOURCE ? "thruster-#{Thruster::VERSION}.gem" : "thruster-#{Thruster::VERSION}-#{platform}.gem"
      path = File.join(DIRECTORY, name)
      raise "There is no #{name} in #{DIRECTORY}. Type: rake gem:trial" unless File.exist?(path)

      Package.new(path)
    end

    # The executable out of that platform's gem.
    def executable(platform)
      UNPACKING.synchronize { (@unpacked ||= {})[platform] ||= package(platform).extract(folder(platform)) }
      "#{folder(platform)}/exe/#{platform}/thrust"
    end

    private

    def folder(platform)
      @root ||= Dir.mktmpdir("thruster-unpacked").tap { |root| Minitest.after_run { FileUtils.remove_entry(root) } }
      File.join(@root, platform)
    end
  end
end
