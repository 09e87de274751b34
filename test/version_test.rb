# frozen_string_literal: true

require "test_helper"
require "thruster"

class VersionTest < ThrusterTest
  ROOT = File.expand_path("..", __dir__)

  test "the gem and the executable have one version" do
    assert_equal Thruster::VERSION, File.read("#{ROOT}/Cargo.toml")[/^version = "(.+)"$/, 1]
  end

  test "the changelog begins with this version" do
    assert_match(/\A## #{Regexp.escape(Thruster::VERSION)}\b/, File.readlines("#{ROOT}/CHANGELOG.md").grep(/\A## /).first)
  end
end
