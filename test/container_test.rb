# frozen_string_literal: true

require "test_helper"

# As the first process of a container, with no init before it.
class ContainerTest < ThrusterTest
  CONTAINER = %w[unshare --user --map-root-user --pid --fork --kill-child --mount-proc].freeze

  def setup
    super
    skip "this system lets no one make a process namespace" unless system(*CONTAINER, "true", err: File::NULL)
  end

  test "it is process 1 there" do
    assert_equal 0, thrust("sh", "-c", "test $PPID = 1", within: CONTAINER).exit_status
  end

  test "an orphan is reaped" do
    program = thrust("ruby", "#{CHILDREN}/orphan.rb", within: CONTAINER)
    assert_equal 0, program.exit_status, program.said
    assert_includes program.out, "the orphan is gone\n"
  end

  test "the child's exit status is the container's, whoever else was reaped" do
    assert_equal 7, thrust("sh", "-c", "(true & ); (exit 9 & ); exit 7", within: CONTAINER).exit_status
  end

  test "a signal reaches the child" do
    script = 'trap("TERM") { puts "got TERM"; exit 5 }; Process.kill("TERM", 1); sleep'
    program = thrust("ruby", "-e", script, within: CONTAINER)
    assert_equal 5, program.exit_status
    assert_includes program.out, "got TERM\n"
  end
end
