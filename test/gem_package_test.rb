# frozen_string_literal: true

require "test_helper"
require "support/packed_gem"
require "support/trial_gems"
require "thruster"

# What is in each gem, and what it says of itself.
class GemPackageTest < ThrusterTest
  PAPERS = %w[CHANGELOG.md MIT-LICENSE README.md].freeze

  # Anything else in a folder of ours is there by accident.
  PLAIN = %r{\A(?:exe/thrust|lib/thruster\.rb|lib/(?:thruster|generators)/.+\.(?:rb|tt)|sig/\w+\.rbs|man/\w+\.1|
                  completions/\w+(?:\.bash|\.fish)?)\z}x
  CRATES = %w[crates/thrust crates/thruster-cache crates/thruster-proxy ext/thruster].freeze
  SOURCES = %r{\A(?:Cargo\.(?:toml|lock)|ext/thruster/extconf\.rb|(?:#{CRATES.join("|")})/(?:Cargo\.toml|build\.rs|src/.+\.rs))\z}

  # What git knows, where this is a checkout.
  COMMIT = `git -C #{PackedGem::ROOT} log -1 --format=%ct 2>#{File::NULL}`.chomp
  DATE = COMMIT.empty? ? 315_619_200 : Integer(COMMIT)

  def setup
    super
    skip "gems for all platforms are packed on Linux on x86_64" unless TrialGems::HERE
  end

  TrialGems::ALL.each do |platform|
    test "the gem for #{platform} is named as Thruster's gems are" do
      spec = TrialGems.package(platform).spec
      assert_equal ["thruster", Thruster::VERSION, platform], [spec.name, spec.version.to_s, spec.platform.to_s]
    end

    test "the gem for #{platform} holds what it should, and no stray file" do
      names = TrialGems.package(platform).entries.keys
      assert_empty PAPERS - names
      assert_empty(names.reject { |name| PAPERS.include?(name) || PLAIN.match?(name) || own_files(platform).match?(name) })
      assert_empty library - names
      assert_equal 1, names.grep(own_files(platform)).size unless platform == TrialGems::SOURCE
    end

    test "the modes in the gem for #{platform} do not depend on who packed it" do
      executables = %W[exe/thrust exe/#{platform}/thrust]
      TrialGems.package(platform).modes.each do |name, mode|
        assert_equal executables.include?(name) ? 0o755 : 0o644, mode, name
      end
    end

    test "all in the gem for #{platform} is as old as the commit, and nobody's" do
      entries = TrialGems.package(platform).entries.values
      assert_equal [[DATE, [0, 0]]], entries.map { |entry| [entry.time, entry.owner] }.uniq
      assert_equal Time.at(DATE).utc.strftime("%F"), TrialGems.package(platform).spec.date.strftime("%F")
    end

    test "the gem for #{platform} needs no other gem" do
      spec = TrialGems.package(platform).spec
      assert_empty spec.runtime_dependencies
      assert_equal [["thrust"], "exe", ["MIT"]], [spec.executables, spec.bindir, spec.licenses]
      assert_includes spec.require_paths, "lib"
    end

    test "the gem for #{platform} is installed without building anything" do
      assert_empty TrialGems.package(platform).spec.extensions
    end unless platform == TrialGems::SOURCE
  end

  test "the source gem has all that cargo needs, and builds where it is installed" do
    package = TrialGems.package(TrialGems::SOURCE)
    crates = CRATES.select { |crate| File.exist?("#{PackedGem::ROOT}/#{crate}/Cargo.toml") }
    sources = Dir.glob("{#{crates.join(",")}}/{Cargo.toml,build.rs,src/**/*.rs}", base: PackedGem::ROOT)
    assert_empty [*sources, "Cargo.toml", "Cargo.lock", "ext/thruster/extconf.rb"] - package.entries.keys
    assert_equal ["ext/thruster/extconf.rb"], package.spec.extensions
    assert_equal crates.sort, package.read("Cargo.toml")[/^members = \[(.+)\]$/, 1].scan(/[^", ]+/).sort
    refute_includes package.read("Cargo.lock"), '"thruster-test"'
  end

  test "the published gem and its executable are no larger than promised" do
    package = TrialGems.package("x86_64-linux")
    assert_operator package.entries.fetch("exe/x86_64-linux/thrust").size, :<, 6_000_000
    assert_operator File.size(package.path), :<, 3_000_000
  end

  private

  def own_files(platform)
    platform == TrialGems::SOURCE ? SOURCES : %r{\Aexe/#{platform}/thrust\z}
  end

  # All that is of use below lib; what the extension's build leaves there is not.
  def library
    Dir.glob("lib/**/*.{rb,tt}", base: PackedGem::ROOT)
  end
end
