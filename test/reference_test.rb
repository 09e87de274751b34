# frozen_string_literal: true

require "test_helper"
require_relative "../rakelib/reference/reference"

# The manual page and the completions, as they are in the gem, say what the executable says.
class ReferenceTest < ThrusterTest
  ROOT = File.expand_path("..", __dir__)

  Reference::TEMPLATES.each_key do |path|
    test "#{path} is what rake reference makes of thrust --help" do
      assert_equal Reference.new(Thrust.executable).files.fetch(path), File.read("#{ROOT}/#{path}"), "type: rake reference"
    end
  end

  test "every option and every setting of --help is found in it" do
    reference = Reference.new(Thrust.executable)
    help = thrust("--help").tap(&:await_end).out
    assert_equal help.scan(/^  .*--\w+/).size, reference.options.size
    assert_equal help.scan(/^      default /).size, reference.settings.size
    assert_equal %w[TARGET_PORT 3000], reference.settings.first.to_h.values_at(:name, :default)
  end

  test "the manual page has no mistake that mandoc would find" do
    lint = start("mandoc", "-T", "lint", "-W", "style", "#{ROOT}/man/thrust.1")
    lint.await_end
    assert_empty lint.said.lines.grep_v(/outdated mandoc\.db|referenced manual not found/)
  end

  test "the manual page has no mistake that man would find, and every setting" do
    only_on_linux
    man = start("man", "--warnings", "--local-file", "#{ROOT}/man/thrust.1", env: { "MANWIDTH" => "80", "LC_ALL" => "C.UTF-8" })
    assert_equal [0, ""], [man.exit_status, man.err]
    Reference.new(Thrust.executable).settings.each { |setting| assert_includes man.out, setting.name }
  end
end
