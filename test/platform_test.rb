# frozen_string_literal: true

require "test_helper"
require "thruster/platform"

class PlatformTest < ThrusterTest
  {
    %w[x86_64 linux-gnu] => "x86_64-linux",
    %w[x86_64 linux] => "x86_64-linux",
    %w[x86_64 linux-musl] => "x86_64-linux",
    %w[amd64 linux-gnu] => "x86_64-linux",
    %w[aarch64 linux-gnu] => "aarch64-linux",
    %w[aarch64 linux-musl] => "aarch64-linux",
    %w[arm64 linux-gnu] => "aarch64-linux",
    %w[x86_64 darwin22.1.0] => "x86_64-darwin",
    %w[arm64 darwin23] => "arm64-darwin",
    %w[aarch64 darwin23] => "arm64-darwin"
  }.each do |(cpu, os), name|
    test "#{cpu} with #{os} is #{name}" do
      assert_equal name, Thruster::Platform.local(cpu, os)
      assert Thruster::Platform.supported?(name)
    end
  end

  [%w[riscv64 linux-gnu], %w[x64 mingw-ucrt], %w[x86_64 freebsd13.2], %w[armv7l linux-gnueabihf]].each do |cpu, os|
    test "#{cpu} with #{os} is not supported" do
      refute Thruster::Platform.supported?(Thruster::Platform.local(cpu, os))
    end
  end

  test "this machine has a supported name" do
    assert_includes Thruster::Platform::SUPPORTED, Thruster::Platform.local
  end
end
