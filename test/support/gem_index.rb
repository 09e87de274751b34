# frozen_string_literal: true

require "fileutils"
require "tmpdir"

# Gems to choose from, without a network: a file:// index of thruster's five (pack_gem_index.rb); made once for all tests.
module GemIndex
  MAKING = Mutex.new

  class << self
    # What a Gemfile's `source` takes.
    def url
      "file://#{directory}"
    end

    # The packed gem of that platform.
    def gem(platform)
      Dir["#{directory}/gems/*.gem"].find { |path| path.end_with?("-#{platform}.gem") }
    end

    private

    def directory
      MAKING.synchronize { @directory ||= make }
    end

    def make
      directory = File.realpath(Dir.mktmpdir("thruster-index"))
      Minitest.after_run { FileUtils.remove_entry(directory) }
      packing = Program.new("ruby", File.expand_path("pack_gem_index.rb", __dir__), directory)
      raise "the index could not be made:\n#{packing.said}" unless packing.exit_status.zero?

      directory
    end
  end
end
