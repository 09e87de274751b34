# frozen_string_literal: true

require "test_helper"
require "fileutils"
require "zlib"
require "support/packed_gem"
require "thruster/version"

# The tasks that the release workflow calls, in a copy with a changelog of the test's own.
class ReleaseTest < ThrusterTest
  ROOT = File.expand_path("..", __dir__)
  VERSION = Thruster::VERSION

  def setup
    super
    %w[Rakefile rakelib/release.rake rakelib/profile.rake Cargo.toml lib/thruster/version.rb].each do |path|
      FileUtils.mkdir_p File.dirname("#{scratch}/#{path}")
      FileUtils.cp "#{ROOT}/#{path}", "#{scratch}/#{path}"
    end
    write_changelog "2026-02-28"
    write_profile "another"
  end

  def write_profile(build)
    file = "#{scratch}/rakelib/profiles/x86_64-linux.profdata.gz"
    FileUtils.mkdir_p File.dirname(file)
    Zlib::GzipWriter.open(file) { |zip| zip.comment = build }
  end

  # As it is said where a profile does not fit.
  def this_build
    check.err[/this is (.*?)\. The/, 1]
  end

  def check(tag = "v#{VERSION}")
    rake("release:check", "TAG=#{tag}")
  end

  def write_changelog(date)
    File.write "#{scratch}/CHANGELOG.md", <<~TEXT
      # Changelog

      ## #{VERSION} (#{date})

      - Better.

      ## 0.0.1 (2020-01-01)

      - Old.
    TEXT
  end

  def rake(*words)
    start("rake", *words, env: PackedGem::OUTSIDE_BUNDLER.merge(PackedGem::RUST), directory: scratch).tap(&:await_end)
  end

  def assert_refused(program, part)
    assert_equal 1, program.exit_status
    assert_includes program.err, part
  end

  test "a tag of this version is taken, and no other" do
    write_profile this_build
    assert_equal 0, check.exit_status
    assert_refused check("v0.0.1"), "The tag is v0.0.1"
  end

  test "a profile that does not fit is refused, and one that is not there" do
    assert_refused check, "does not fit: it was taken of another, and this is rustc"
    write_profile this_build
    File.write "#{scratch}/Cargo.toml", "\n", mode: "a"
    assert_refused check, "does not fit"
    FileUtils.rm_r "#{scratch}/rakelib/profiles"
    assert_refused check, "Type: rake profile:x86_64-linux"
  end

  test "a changelog without a date is refused" do
    write_changelog "unreleased"
    assert_refused check, "## #{VERSION} (YYYY-MM-DD)"
  end

  test "the notes are what the changelog says of this version" do
    assert_equal "- Better.\n", rake("release:notes").out
  end

  test "the checksums are of all packages" do
    FileUtils.mkdir_p "#{scratch}/pkg"
    { "b.gem" => "two", "a.cdx.json" => "one", "notes.txt" => "not published" }.each do |name, text|
      File.write "#{scratch}/pkg/#{name}", text
    end
    assert_equal 0, rake("release:checksums").exit_status
    assert_equal <<~SUMS, File.read("#{scratch}/pkg/SHA256SUMS")
      7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed  a.cdx.json
      3fc4ccfe745870e2c0d99f71f30ff0656c8dedd41cc1d7d3d376b0dbe685e2f3  b.gem
    SUMS
  end

  test "there are no checksums without a gem" do
    assert_refused rake("release:checksums"), "Type: rake gem"
  end
end
