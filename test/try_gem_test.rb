# frozen_string_literal: true

require "test_helper"
require "support/gem_index"
require "support/packed_gem"
require "thruster/platform"

# bin/try-gem, which the release workflow runs on every machine that a gem is for.
class TryGemTest < ThrusterTest
  ROOT = File.expand_path("..", __dir__)

  def try(*gem)
    env = PackedGem::OUTSIDE_BUNDLER.merge("TMPDIR" => scratch)
    start(RbConfig.ruby, "#{ROOT}/bin/try-gem", *gem, env: env).tap(&:await_end)
  end

  test "a gem that works is told so, and nothing of it is left" do
    program = try(PackedGem.path)
    assert_equal 0, program.exit_status, program.said
    assert_match(/\A#{Regexp.escape(File.basename(PackedGem.path))} works with Ruby .*\n\z/, program.out)
    assert_empty Dir.children(scratch)
  end

  test "a gem whose executable is something else does not" do
    program = try(GemIndex.gem(Thruster::Platform.local))
    assert_equal 1, program.exit_status
    assert_includes program.err, "the gem for #{Thruster::Platform.local}: --version"
  end

  test "a gem of another platform does not, nor does none at all" do
    other = (Thruster::Platform::SUPPORTED - [Thruster::Platform.local]).last
    assert_equal [1, 1], [try(GemIndex.gem(other)), try].map(&:exit_status)
  end
end
