# frozen_string_literal: true

require "test_helper"
require "socket"

# What systemd hands us, and hears from us.
class SystemdTest < ThrusterTest
  # As systemd starts a service with a socket unit: the listener is descriptor 3, and the variables say so.
  HAND_OVER = <<~RUBY
    require "socket"
    listener = TCPServer.for_fd(Integer(ARGV.shift))
    exec({ "LISTEN_PID" => Process.pid.to_s, "LISTEN_FDS" => "1" }, *ARGV, 3 => listener)
  RUBY

  def setup
    super
    @listener = TCPServer.new("127.0.0.1", 0)
    @opened << @listener
    @port = @listener.local_address.ip_port
  end

  def inheriting(*command)
    start("ruby", "-e", HAND_OVER, "3", Thrust.executable, *command,
          env: { "HTTP_PORT" => "0", "TARGET_PORT" => Thrust.free_port.to_s }, descriptors: { 3 => @listener })
  end

  test "the listener of LISTEN_FDS is ours, and what came before is answered" do
    client = connect(@port)
    client.ask("GET /early", "Connection: close")
    inheriting("puma", "-C", "#{APPS}/puma.rb", "#{APPS}/echo.ru")
    assert_match(%r{\AHTTP/1.1 200 }, client.read_to_end)
  end

  test "the child sees none of it" do
    program = inheriting("sh", "-c", "env | grep ^LISTEN_; ls -l /proc/self/fd; echo end")
    program.await_end
    refute_match(/^LISTEN_|socket:/, program.out)
  end

  test "NOTIFY_SOCKET hears when Puma is ready, and when we stop" do
    notices = Socket.new(:UNIX, :DGRAM)
    notices.bind(Addrinfo.unix("#{scratch}/notify"))
    @opened << notices
    puma = thrust_puma("echo", env: { "NOTIFY_SOCKET" => "#{scratch}/notify" })
    assert_includes notice(notices), "READY=1"
    puma.signal :TERM
    assert_includes notice(notices), "STOPPING=1"
    assert_equal 143, puma.exit_status
  end

  def notice(socket)
    socket.wait_readable(Patience::LIMIT) or raise Patience::Exhausted, "no word from thrust"
    socket.recv(1_000)
  end
end
