# frozen_string_literal: true

require "test_helper"
require "support/gem_index"
require "support/packed_gem"
require "thruster/platform"
require "thruster/version"

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

  test "a gem whose thrust ends at once does not, and its last words are shown" do
    program = try(gem_around("echo no room for this; exit 1"))
    assert_equal 1, program.exit_status
    assert_match(/^it ended before it listened$.*^no room for this$/m, program.err)
    assert_empty Dir.glob("#{scratch}/thruster-gem*")
  end

  test "of a gem whose thrust answers nothing, neither that nor its child is left running" do
    File.mkfifo "#{scratch}/held"
    end_of_all = Thread.new { File.read("#{scratch}/held") }
    program = try(gem_around(<<~SH))
      exec 3>#{scratch}/held
      echo '{"http":"127.0.0.1:#{refused_port}"}'
      sleep 1000 &
      wait
    SH
    assert_equal 1, program.exit_status
    assert_includes program.err, %(Its log:\n{"http":"127.0.0.1:)
    assert end_of_all.join(Patience::LIMIT), "something still holds what thrust opened"
  end

  test "a gem of another platform does not, nor does none at all" do
    other = (Thruster::Platform::SUPPORTED - [Thruster::Platform.local]).last
    assert_equal [1, 1], [try(GemIndex.gem(other)), try].map(&:exit_status)
  end

  private

  # One with a thrust that says its version, and else does what the script says.
  def gem_around(script)
    executable = "#{scratch}/thrust"
    File.write executable, "#!/bin/sh\nif [ \"$1\" = --version ]; then echo thrust #{Thruster::VERSION}; exit; fi\n#{script}"
    packing = start("rake", "gem:#{Thruster::Platform.local}", "EXECUTABLE=#{executable}", "PACKAGES=#{scratch}",
                    env: PackedGem::OUTSIDE_BUNDLER, directory: ROOT)
    assert_equal 0, packing.exit_status, packing.said
    Dir["#{scratch}/*.gem"].first
  end

  # Nobody listens there: it is taken, but by a socket that does not.
  def refused_port
    socket = Socket.new(:INET, :STREAM).tap { |taken| @opened << taken }
    socket.bind(Addrinfo.tcp("127.0.0.1", 0))
    socket.local_address.ip_port
  end
end
