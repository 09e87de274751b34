# frozen_string_literal: true

require "test_helper"
require "thruster"

class VersionTest < ThrusterTest
  ROOT = File.expand_path("..", __dir__)

  test "the gem and the executable have one version" do
    assert_equal Thruster::VERSION, File.read("#{ROOT}/Cargo.toml")[/^version = "(.+)"$/, 1]
  end

  test "the changelog begins with this version" do
    assert_equal Thruster::VERSION, changelog.first[/\A## (\S+)/, 1]
  end

  test "what the changelog says of a version has a date, or is yet to be released, and tells something" do
    changelog.each { |entry| assert_match(/\A## \d+\.\d+\.\d+ \((\d{4}-\d\d-\d\d|unreleased)\)\n.*^- \S+/m, entry) }
    changelog.drop(1).each { |entry| refute_includes entry.lines.first, "unreleased" }
  end

  private

  def changelog
    File.read("#{ROOT}/CHANGELOG.md").split(/^(?=## )/).drop(1)
  end
end
