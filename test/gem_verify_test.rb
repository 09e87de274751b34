# frozen_string_literal: true

require "test_helper"
require "support/packed_gem"
require "support/trial_gems"

# rake gem:verify, the last look before gems are published.
class GemVerifyTest < ThrusterTest
  def setup
    super
    skip "gems for all platforms are packed on Linux on x86_64" unless TrialGems::HERE
  end

  test "a gem as it is published is not complained of, and one that is missing is" do
    FileUtils.cp TrialGems.package("x86_64-linux").path, scratch
    assert_equal TrialGems::ALL - ["x86_64-linux"], platforms_of(complaints.grep(/ is not there$/))
    assert_empty complaints.grep_v(/ is not there$/)
  end

  test "a gem that is larger than promised is complained of, and so is its executable" do
    pack "x86_64-linux", longer(Random.bytes(3_000_000))
    assert_complaint "x86_64-linux", "it has "
    assert_complaint "x86_64-linux", "its executable has "
  end

  test "an executable that needs a C library is complained of, and so is one for another processor" do
    pack "x86_64-linux", RbConfig.ruby
    pack "aarch64-linux", TrialGems.executable("x86_64-linux")
    assert_complaint "x86_64-linux", "its executable is not static"
    assert_complaint "aarch64-linux", "its executable is for x86_64"
  end

  test "an executable for another system is complained of" do
    pack "x86_64-darwin", TrialGems.executable("x86_64-linux")
    pack "arm64-darwin", TrialGems.executable("x86_64-darwin")
    assert_complaint "x86_64-darwin", "its executable cannot be read"
    assert_complaint "arm64-darwin", "its executable is for x86_64"
    assert_complaint "arm64-darwin", "its executable is not signed, or was changed afterwards"
  end

  test "an executable that names a folder of this machine is complained of" do
    pack "x86_64-linux", longer("#{PackedGem::ROOT}/crates")
    assert_complaint "x86_64-linux", "its executable names #{PackedGem::ROOT}"
  end

  private

  def pack(platform, executable)
    packing = rake("gem:#{platform}", "EXECUTABLE=#{executable}")
    assert_equal 0, packing.exit_status, packing.said
  end

  # The executable with this after it, which is no part of the program.
  def longer(bytes)
    "#{scratch}/longer".tap { |path| File.binwrite path, File.binread(TrialGems.executable("x86_64-linux")) + bytes.b }
  end

  def complaints
    @complaints ||= rake("gem:verify").tap { |verify| assert_equal 1, verify.exit_status, verify.said }.err.lines(chomp: true)
  end

  def rake(*words)
    start("rake", *words, "PACKAGES=#{scratch}", env: PackedGem::OUTSIDE_BUNDLER, directory: PackedGem::ROOT).tap(&:await_end)
  end

  def assert_complaint(platform, words)
    assert complaints.any? { |line| line.include?("-#{platform}.gem: #{words}") }, complaints.join("\n")
  end

  def platforms_of(lines)
    lines.map { |line| line[/thruster-[\d.]+\d(?:-(.+))?\.gem/, 1] || TrialGems::SOURCE }
  end
end
