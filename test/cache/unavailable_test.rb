# frozen_string_literal: true

require "test_helper"
require "support/fake_control"
require "thruster"

# A purge that finds no thrust, and what the developer gets to read.
class CacheUnavailableTest < ThrusterTest
  def control(*answers)
    FakeControl.new(scratch, *answers).tap { |control| @opened << control }
  end

  def assert_unavailable(cache, *parts)
    error = assert_raises(Thruster::Cache::Unavailable) { cache.purge("/") }
    parts.each { |part| assert_includes error.message, part }
  end

  # A socket whose connections nobody accepts, with room for so many.
  def deaf_socket(backlog)
    path = "#{scratch}/deaf.sock"
    server = Socket.new(:UNIX, :STREAM)
    @opened << server
    server.bind(Addrinfo.unix(path))
    server.listen(backlog)
    path
  end

  test "a process that thrust did not start is told so, and what to do" do
    cache = Thruster::Cache.default({})
    assert_unavailable cache, "THRUSTER_CONTROL", "bin/thrust", "CONTROL_SOCKET", "Thruster.cache = nil"
    %i[clear stats entries not_cached].each { |name| assert_raises(Thruster::Cache::Unavailable) { cache.public_send(name) } }
  end

  test "a socket that is gone" do
    assert_unavailable Thruster::Cache.new("#{scratch}/gone.sock"), "#{scratch}/gone.sock"
  end

  test "a socket that nobody listens at" do
    path = deaf_socket(1)
    @opened.pop.close
    assert_unavailable Thruster::Cache.new(path), path
  end

  test "a path that is no socket" do
    File.write("#{scratch}/file", "")
    ["#{scratch}/file", "#{scratch}/file/control.sock"].each { |path| assert_unavailable Thruster::Cache.new(path), path }
  end

  test "a socket of another user" do
    path = control.path
    File.chmod(0o755, scratch)
    File.chmod(Process.uid.zero? ? 0o600 : 0, path) # one's own socket only if it is closed to oneself as well
    child = fork do
      Process::Sys.setuid(65_534) if Process.uid.zero?
      Thruster::Cache.new(path).purge("/")
    rescue Thruster::Cache::Unavailable => error
      exit!(error.message.include?("may not use #{path}") ? 7 : 8)
    ensure
      exit!(9)
    end
    assert_equal 7, Process.wait2(child).last.exitstatus
  end

  test "a thrust that does not answer in time" do
    assert_unavailable Thruster::Cache.new(deaf_socket(5), timeout: 0.1), "did not answer within 0.1 seconds"
  end

  test "a thrust that does not even accept in time" do
    path = deaf_socket(0)
    while (waiting = connect_to(path))
      @opened << waiting
    end
    assert_unavailable Thruster::Cache.new(path, timeout: 0.1), "did not answer within 0.1 seconds"
  end

  # nil if there is no room left.
  def connect_to(path)
    socket = Socket.new(:UNIX, :STREAM)
    socket.connect_nonblock(Socket.sockaddr_un(path))
    socket
  rescue Errno::EAGAIN
    socket.close
  end

  test "a thrust that breaks off" do
    ["", "HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n{\"purged\":1", "HTTP/1.1 200 OK\r\nContent-Length: 12\r\n"].each do |answer|
      control = control(answer)
      assert_unavailable Thruster::Cache.new(control.path), control.path, "broke off"
      File.delete(control.path)
    end
  end

  test "who is not thrust" do
    ["SSH-2.0-OpenSSH\r\n", "{}", *["<html>", "[1]", "\xFF", ""].map { |body| "HTTP/1.1 200 OK\r\n\r\n#{body}" }].each do |answer|
      control = control(answer)
      error = assert_raises(Thruster::Cache::Error) { Thruster::Cache.new(control.path).purge("/") }
      assert_equal "what listens at #{control.path} is not thrust", error.message
      File.delete(control.path)
    end
  end
end
