# frozen_string_literal: true

require "test_helper"

# Port 80 and what becomes of it, each time in a network where nothing else listens.
class DefaultPortTest < ThrusterTest
  AS_ROOT = %w[unshare --user --map-root-user --net].freeze
  AS_SOMEONE = %w[unshare --user --net].freeze
  WITHOUT = { "HTTP_PORT" => nil, "TARGET_PORT" => "3000" }.freeze

  def setup
    super
    skip "this system lets no one make a network namespace" unless system(*AS_ROOT, "true", err: File::NULL)
  end

  test "the default is 80" do
    assert_equal 80, thrust(*idle_child, env: WITHOUT, within: AS_ROOT).port
  end

  test "a PORT that is the child's is not ours" do
    assert_equal 80, thrust(*idle_child, env: WITHOUT.merge("PORT" => "3000"), within: AS_ROOT).port
  end

  test "who may not have 80 gets 8080, and is told why" do
    program = thrust(*idle_child, env: WITHOUT, within: AS_SOMEONE)
    assert_equal 8080, program.port
    warning = program.log.find { |line| line["level"] == "WARN" }
    assert_match(/\b80\b/, warning.to_json)
    assert_match(/\b8080\b/, warning.to_json)
    assert_match(/root|privilege|permission|denied/i, warning.to_json)
  end

  test "8080 is not taken from the child" do
    program = thrust("sh", "-c", "echo started", env: WITHOUT.merge("TARGET_PORT" => "8080"), within: AS_SOMEONE)
    assert_equal 1, program.exit_status
    %w[80 8080 HTTP_PORT TARGET_PORT].each { |word| assert_match(/\b#{word}\b/, program.err) }
    refute_includes program.out, "started\n"
  end

  test "a port 80 that was asked for and refused is an error that says why" do
    program = thrust("sh", "-c", "echo started", env: WITHOUT.merge("HTTP_PORT" => "80"), within: AS_SOMEONE)
    assert_equal 1, program.exit_status
    assert_match(/^ERROR: .*\b80\b.*(root|privilege|permission|denied)/i, program.err)
    refute_includes program.out, "started\n"
  end
end
