# frozen_string_literal: true

require "test_helper"
require "digest"
require "support/packed_gem"
require "thruster/version"

# What is packed depends on what is in the files, and on nothing else.
class ReproducibleGemTest < ThrusterTest
  NEEDED = %w[CHANGELOG.md Cargo.lock Cargo.toml MIT-LICENSE README.md Rakefile completions crates exe ext lib man rakelib
              sig thruster.gemspec].freeze

  test "the same files give the same gems, wherever, whenever and by whomever they are packed" do
    here = pack("#{scratch}/here", umask: "022", zone: "UTC", written: Time.at(1_000_000_000))
    there = pack("#{scratch}/somewhere else", umask: "077", zone: "Asia/Tokyo", written: Time.at(1_700_000_000))
    assert_equal %W[thruster-#{Thruster::VERSION}-arm64-darwin.gem thruster-#{Thruster::VERSION}.gem], here.keys.sort
    assert_equal here, there
  end

  private

  # The sums of the gems, by name.
  def pack(directory, umask:, zone:, written:)
    copy_sources directory, umask, written
    rake = start("sh", "-c", 'umask "$0"; exec "$@"', umask, "rake", "gem:arm64-darwin", "gem:ruby",
                 "EXECUTABLE=#{directory}/exe/thrust", directory: directory,
                 env: PackedGem::OUTSIDE_BUNDLER.merge(PackedGem::RUST, "TZ" => zone))
    assert_equal 0, rake.exit_status, rake.said
    Dir["#{directory}/pkg/*.gem"].to_h { |path| [File.basename(path), Digest::SHA256.file(path).hexdigest] }
  end

  def copy_sources(directory, umask, written)
    FileUtils.mkdir_p directory
    copied = NEEDED.map { |name| "#{PackedGem::ROOT}/#{name}" }.select { |path| File.exist?(path) }
    FileUtils.cp_r copied, directory
    Dir["#{directory}/**/*"].each do |path|
      File.chmod File.stat(path).mode & ~umask.oct, path
      File.utime written, written, path
    end
  end
end
