# frozen_string_literal: true

require "test_helper"
require "socket"

# The wrapped command: what it is given, and what comes of its end.
class ChildTest < ThrusterTest
  def said_by_child(program)
    program.out.each_line.reject { |line| line.start_with?("{") }.join
  end

  test "its exit status is thrust's" do
    [0, 1, 7, 255].each { |status| assert_equal status, thrust("sh", "-c", "exit #{status}").exit_status }
  end

  test "the signal that killed it shows in the exit status" do
    { "KILL" => 137, "TERM" => 143, "ABRT" => 134 }.each do |signal, status|
      assert_equal status, thrust("sh", "-c", "kill -#{signal} $$").exit_status
    end
  end

  test "its PORT is TARGET_PORT, whatever PORT we got" do
    program = thrust("sh", "-c", "echo port=$PORT", env: { "TARGET_PORT" => "4321", "PORT" => "9876" })
    program.await_end
    assert_includes said_by_child(program), "port=4321\n"
  end

  test "it is told whether it may name files" do
    { "on" => "1", "off" => "none" }.each do |enabled, told|
      program = thrust("sh", "-c", "echo told=${THRUSTER_X_SENDFILE-none}",
                       env: { "X_SENDFILE_ENABLED" => enabled, "THRUSTER_X_SENDFILE" => "of another thrust" })
      program.await_end
      assert_includes said_by_child(program), "told=#{told}\n"
    end
  end

  test "it has our environment" do
    program = thrust("sh", "-c", 'echo "$COLOUR, $HTTP_PORT"', env: { "COLOUR" => "a green one" })
    program.await_end
    assert_includes said_by_child(program), "a green one, 0\n"
  end

  test "it has our working directory" do
    program = thrust("pwd", directory: scratch)
    program.await_end
    assert_includes said_by_child(program), "#{scratch}\n"
  end

  test "it reads our standard input" do
    input, writer = IO.pipe
    program = thrust("cat", input: input)
    input.close
    writer.puts "a line"
    program.await_output(/^a line$/)
    writer.puts "the last line"
    writer.close
    assert_equal 0, program.exit_status
    assert_includes said_by_child(program), "a line\nthe last line\n"
  end

  test "it writes to our standard output and error" do
    program = thrust("sh", "-c", "echo to out; echo to err >&2")
    program.await_end
    assert_includes program.out.lines, "to out\n"
    assert_includes program.err.lines, "to err\n"
  end

  test "it has none of our sockets" do
    only_on_linux
    program = thrust("ls", "-l", "/proc/self/fd")
    assert_equal 0, program.exit_status
    refute_match(/socket:|eventpoll|eventfd/, said_by_child(program))
  end

  test "it has our limit on open files" do
    program = thrust("sh", "-c", "ulimit -Sn", within: ["sh", "-c", 'ulimit -Sn 200; exec "$@"', "sh"])
    program.await_end
    assert_equal "200\n", said_by_child(program)
  end

  test "no signal is blocked or ignored for it" do
    only_on_linux
    look = %w[grep -E ^Sig(Blk|Ign): /proc/self/status]
    directly = start(*look)
    directly.await_end
    program = thrust(*look)
    program.await_end
    assert_equal directly.out, said_by_child(program)
  end

  test "a terminal is its terminal too" do
    program = thrust("sh", "-c", "test -t 1 && echo on a terminal", terminal: true)
    program.await_output(/^on a terminal/)
    assert_equal 0, program.exit_status
  end

  test "a command that does not exist is named" do
    program = thrust("no-such-command", "server")
    assert_equal 1, program.exit_status
    assert_match(/^ERROR: .*no-such-command.*(not found|no such)/i, program.err)
  end

  test "a command that is not executable is named" do
    File.write("#{scratch}/server", "#!/bin/sh\n")
    File.chmod(0o644, "#{scratch}/server")
    program = thrust("#{scratch}/server")
    assert_equal 1, program.exit_status
    assert_match(%r{^ERROR: .*#{scratch}/server\b.*(permission denied|not executable)}i, program.err)
  end

  test "it does not outlive a thrust that is killed" do
    only_on_linux
    program = thrust("ruby", "-e", "$stdout.sync = true; puts 'ready'; sleep")
    program.await_output(/^ready$/)
    program.signal :KILL
    assert_equal 137, program.exit_status # which awaits the end of the child's output as well
  end

  test "nothing of it remains when it ends by itself" do
    program = thrust("ruby", "-rsocket", "-e", "TCPServer.new(Integer(ENV['PORT'])); puts 'bound'; exit 3")
    assert_equal 3, program.exit_status
    assert_raises(Errno::ECONNREFUSED) { TCPSocket.new("127.0.0.1", program.target_port) }
  end
end
