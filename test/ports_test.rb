# frozen_string_literal: true

require "test_helper"
require "socket"

# Where thrust listens.
class PortsTest < ThrusterTest
  test "it listens on IPv4 and IPv6" do
    program = thrust(*idle_child)
    %w[127.0.0.1 ::1].each { |address| TCPSocket.new(address, program.port).close }
  rescue Errno::EADDRNOTAVAIL
    skip "this system has no IPv6"
  end

  test "BIND chooses the address" do
    program = thrust(*idle_child, env: { "BIND" => "127.0.0.1" })
    assert_equal "127.0.0.1:#{program.port}", program.address
    connect(program.port)
    assert_raises(SystemCallError) { TCPSocket.new("::1", program.port) }
    assert_raises(SystemCallError) { TCPSocket.new("127.0.0.2", program.port) }
  end

  test "a bad BIND is told" do
    program = thrust("true", env: { "THRUSTER_BIND" => "nowhere at all" })
    assert_equal 1, program.exit_status
    assert_match(/THRUSTER_BIND.*nowhere at all/, program.said)
  end

  test "a port in use is named, and nothing is left running" do
    taken = TCPServer.new("127.0.0.1", 0)
    program = thrust(*idle_child, env: { "HTTP_PORT" => taken.local_address.ip_port.to_s, "BIND" => "127.0.0.1" })
    assert_equal 1, program.exit_status
    assert_match(/\b#{taken.local_address.ip_port}\b.*in use/i, program.said)
  ensure
    taken&.close
  end

  test "HTTP_PORT must differ from TARGET_PORT" do
    program = thrust("sh", "-c", "echo started", env: { "HTTP_PORT" => "4000", "TARGET_PORT" => "4000" })
    assert_equal 1, program.exit_status
    %w[HTTP_PORT TARGET_PORT 4000].each { |word| assert_includes program.said, word }
    refute_includes program.out, "started\n"
  end

  test "PORT is the platform's wish" do
    port = Thrust.free_port
    program = thrust(*idle_child, env: { "HTTP_PORT" => nil, "PORT" => port.to_s })
    assert_equal port, program.port
    connect(port)
  end

  test "HTTP_PORT wins over PORT" do
    program = thrust(*idle_child, env: { "PORT" => Thrust.free_port.to_s, "HTTP_PORT" => (port = Thrust.free_port).to_s })
    assert_equal port, program.port
  end
end
