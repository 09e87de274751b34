# frozen_string_literal: true

require "test_helper"
require "fileutils"
require "pty"
require "support/extension"

# exe/thrust where there is no executable, but the extension: thrust inside Ruby.
class ExtensionRunTest < ThrusterTest
  ROOT = File.expand_path("..", __dir__)
  SIGNALS = %w[INT TERM QUIT HUP USR1 USR2 WINCH].freeze
  # A thread that was there before: the kernel may pick it for a signal.
  BYSTANDER = { "RUBYOPT" => "-r#{CHILDREN}/bystander.rb" }.freeze

  # The shim of a gem that holds the extension alone.
  class InRuby < Thrust
    PLACING = Mutex.new

    def self.executable
      PLACING.synchronize { @executable ||= place("#{Extension.folder}/gem") }
    end

    def self.place(gem)
      FileUtils.mkdir_p "#{gem}/exe"
      FileUtils.cp_r "#{ROOT}/lib", gem
      FileUtils.cp Extension.path, "#{gem}/lib/thruster"
      FileUtils.cp "#{ROOT}/exe/thrust", "#{gem}/exe", preserve: true
      "#{gem}/exe/thrust"
    end
  end

  def thrust(*words, **options)
    keep InRuby.new(*words, **options)
  end

  test "Puma is served, and TERM ends it as it ends with the executable" do
    program = thrust_puma("echo")
    assert_equal %w[200 miss], program.get.then { |response| [response.code, response["x-cache"]] }
    program.signal "TERM"
    assert_equal 143, program.exit_status
    program.await_output(/"Stopping"/)
  end

  test "the child's exit status is ours" do
    assert_equal 42, thrust("sh", "-c", "exit 42").exit_status
    assert_equal 137, thrust("sh", "-c", "kill -KILL $$").exit_status
  end

  test "a command that cannot be started is told" do
    program = thrust("/no/such/command")
    assert_equal 1, program.exit_status
    assert_includes program.err, "no such command"
  end

  test "options are answered as the executable does" do
    program = thrust("--version")
    assert_equal 0, program.exit_status
    assert_match(/\Athrust \d+\.\d+\.\d+/, program.out)
    assert_equal [1, true], thrust.then { |bare| [bare.exit_status, bare.err.include?("missing upstream command")] }
  end

  SIGNALS.each do |name|
    test "#{name} reaches the child each time it comes, though other threads could take it" do
      program = thrust("ruby", "#{CHILDREN}/signals.rb", *SIGNALS, env: BYSTANDER)
      program.await_output(/^ready$/)
      (1..5).each do |count|
        program.signal name
        program.await_output(/^got #{name}$/, times: count)
      end
      assert_equal ["got #{name}\n"] * 5, program.out.lines.grep(/^got/)
    end
  end

  test "the child's end is noticed, though other threads could be told of it" do
    assert_equal [7] * 5, Array.new(5) { thrust("sh", "-c", "exit 7", env: BYSTANDER).exit_status }
  end

  # What a terminal sends, it sends to all in the foreground: thrust and its child.
  test "Ctrl-C, which the terminal has told the child already, is not told twice" do
    env = BYSTANDER.merge("HTTP_PORT" => "0", "TARGET_PORT" => Thrust.free_port.to_s)
    out, keys, pid = PTY.spawn(env, InRuby.executable, "ruby", "#{CHILDREN}/signals.rb", "INT", "TERM")
    @opened.push(out, keys)
    said = read_until(out, "ready")
    keys.write("\x03")
    said << read_until(out, "got INT")
    Process.kill("TERM", pid)
    said << read_until(out, "got TERM")
    assert_equal 1, said.scan("got INT").size
  ensure
    Process.kill("KILL", pid) && Process.wait(pid) if pid
  end

  def read_until(out, text)
    said = +""
    until said.include?(text)
      out.wait_readable(Patience::LIMIT) or raise Patience::Exhausted, "waited in vain for #{text} after #{said.inspect}"
      said << out.readpartial(65_536)
    end
    said
  end
end
