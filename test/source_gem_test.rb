# frozen_string_literal: true

require "test_helper"
require "open3"
require "support/packed_gem"
require "support/trial_gems"

# The gem for platforms without one of their own, as it is installed there: with Ruby and cargo, and nothing else.
class SourceGemTest < ThrusterTest
  HERE = Thruster::Platform.local

  # Without what makes the executable small and fast, cargo needs a minute.
  QUICKLY = { "CARGO_PROFILE_RELEASE_LTO" => "off", "CARGO_PROFILE_RELEASE_OPT_LEVEL" => "0",
              "CARGO_PROFILE_RELEASE_CODEGEN_UNITS" => "16", "CARGO_PROFILE_RELEASE_STRIP" => "symbols" }.freeze

  # Bytes, beside what has been built.
  LARGEST = 5_000_000

  def setup
    super
    skip "gems for all platforms are packed on Linux on x86_64" unless TrialGems::HERE
    @home = "#{scratch}/gems"
    @env = Program::INHERITED.merge(PackedGem::OUTSIDE_BUNDLER, PackedGem::RUST, QUICKLY, "GEM_HOME" => @home, "GEM_PATH" => @home)
  end

  # No Program: it takes longer than any event that is worth waiting for. The other tests come first.
  def install
    said, status = Open3.capture2e(@env, "nice", "gem", "install", "--local", "--no-document",
                                   TrialGems.package(TrialGems::SOURCE).path, unsetenv_others: true, chdir: scratch)
    assert_predicate status, :success?, said
  end

  test "it builds its executable into itself and leaves nothing else of the build" do
    install
    gem = "#{@home}/gems/thruster-#{Thruster::VERSION}"
    built = Dir["#{gem}/exe/#{HERE}/thrust", "#{gem}/lib/thruster/native.*"]
    assert_includes built, "#{gem}/exe/#{HERE}/thrust"

    version = start("#{@home}/bin/thrust", "--version", env: @env)
    assert_equal 0, version.exit_status, version.said
    assert_includes version.out, Thruster::VERSION

    left = Dir.glob("#{@home}/**/*", File::FNM_DOTMATCH).select { |path| File.file?(path) } - built
    left.reject! { |path| path.start_with?("#{@home}/cache/") } # the package itself, which RubyGems keeps
    assert_empty left.grep(/\.(o|a|so|rlib|rmeta|d)\z|\/target\//)
    assert_operator left.sum { |path| File.size(path) }, :<, LARGEST
  end
end
