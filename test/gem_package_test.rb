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

  # Of work in another language below a crate, which that crate's own text does not cover, and of all executables' own.
  COPYRIGHTS = ["Meta Platforms, Inc. and affiliates", "BoringSSL", "Tokio Contributors",
                "Copyright notices for The Rust Standard Library"].freeze
  FOR_LINUX = ["Microsoft Corporation, Daan Leijen", "Rich Felker, et al."].freeze

  # Crates whose authors packed none; the text is there from others of theirs.
  WITHOUT_TEXT = %w[alloc-stdlib].freeze

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
      assert_equal 2, names.grep(own_files(platform)).size unless platform == TrialGems::SOURCE
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

  Thruster::Platform::SUPPORTED.each do |platform|
    test "the gem for #{platform} carries the licences of all that its executable contains" do
      licences = TrialGems.package(platform).read("THIRD-PARTY-LICENSES").force_encoding("UTF-8")
      linked_crates(platform).each { |name, version| assert_match(/^#{Regexp.escape("#{name} #{version}")} \(/, licences) }
      COPYRIGHTS.each { |words| assert_includes licences, words }
      FOR_LINUX.each { |words| assert_equal platform.end_with?("linux"), licences.include?(words) }
    end

    test "the licences in the gem for #{platform} are each there once, and say nothing of a machine" do
      licences = TrialGems.package(platform).read("THIRD-PARTY-LICENSES").force_encoding("UTF-8")
      texts = licences.split(/^-{100}\n/).drop(1).map { |part| part.split("\n\n", 2).last.split.join(" ") }
      assert_equal texts.uniq.size, texts.size
      assert_equal WITHOUT_TEXT, licences.scan(/^(\S+) .+\n\nIt comes without the text/).flatten
      refute_includes licences, "#{Dir.home}/"
    end
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
    platform == TrialGems::SOURCE ? SOURCES : %r{\A(?:exe/#{platform}/thrust|THIRD-PARTY-LICENSES)\z}
  end

  # By name and version, as Cargo itself tells a reader.
  def linked_crates(platform)
    processor, system = platform.split("-")
    target = "#{processor.sub("arm64", "aarch64")}-#{{ "linux" => "unknown-linux-musl", "darwin" => "apple-darwin" }.fetch(system)}"
    tree = start("cargo", "tree", "--locked", "--package", "thrust", "--edges", "no-dev,no-build,no-proc-macro",
                 "--prefix", "none", "--no-dedupe", "--target", target, directory: PackedGem::ROOT)
    assert_equal 0, tree.exit_status, tree.said
    crates = tree.out.lines.grep_v(/\(/).map { |line| line.chomp.split(" v") }
    assert_operator crates.size, :>, 50
    crates.uniq
  end

  # All that is of use below lib; what the extension's build leaves there is not.
  def library
    Dir.glob("lib/**/*.{rb,tt}", base: PackedGem::ROOT)
  end
end
