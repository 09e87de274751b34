# frozen_string_literal: true

require "test_helper"
require "support/elf"
require "support/mach_o"
require "support/trial_gems"

# The executables in the gems for other systems: run where that can be done here, and else looked at.
class PlatformExecutablesTest < ThrusterTest
  LINUX = { "x86_64-linux" => "x86_64", "aarch64-linux" => "aarch64" }.freeze
  MACOS = { "x86_64-darwin" => "x86_64", "arm64-darwin" => "arm64" }.freeze

  def setup
    super
    skip "gems for all platforms are packed on Linux on x86_64" unless TrialGems::HERE
  end

  LINUX.each do |platform, machine|
    test "the executable for #{platform} is one file for every C library" do
      elf = Elf.new(TrialGems.executable(platform))
      assert_equal [machine, false, 0], [elf.machine, elf.interpreted?, elf.libraries]
    end
  end

  MACOS.each do |platform, processor|
    test "the executable for #{platform} runs on macOS 11 and newer" do
      program = MachO.new(TrialGems.executable(platform))
      assert_predicate program, :executable?
      assert_equal [processor, "11.0"], [program.processor, program.minimum_system]
    end

    test "the executable for #{platform} needs only what every macOS has" do
      assert_equal ["/usr/lib/libSystem.B.dylib"], MachO.new(TrialGems.executable(platform)).libraries
    end
  end

  test "the executable for arm64-darwin is signed, as macOS wants it there, and was not changed afterwards" do
    program = MachO.new(TrialGems.executable("arm64-darwin"))
    assert_predicate program, :signed?
    assert_predicate program, :signature_valid?
  end

  Thruster::Platform::SUPPORTED.each do |platform|
    test "the executable for #{platform} tells nothing of the machine it was built on" do
      bytes = File.binread(TrialGems.executable(platform))
      places = [Dir.pwd, Dir.home, ENV.fetch("CARGO_HOME", nil), ENV.fetch("CARGO_TARGET_DIR", nil)].compact - ["/"]
      assert_empty(places.select { |place| bytes.include?("#{place}/".b) })
    end
  end

  test "in a system without a C library, as Alpine is to it, it starts its child and serves it" do
    server = "exec /bin/busybox httpd -f -p 127.0.0.1:$PORT -h /www"
    program = foreign("/thrust", "/bin/busybox", "sh", "-c", server, within: [*CHANGED_ROOT, bare_system])
    assert_equal "served without a C library", program.get("/").body
    program.signal :TERM
    assert_equal 143, program.exit_status
  end

  test "on another processor, it says its version" do
    program = start(*QEMU, TrialGems.executable("aarch64-linux"), "--version")
    assert_equal 0, program.exit_status, program.said
    assert_match(/\A.*#{Regexp.escape(Thruster::VERSION)}.*aarch64-unknown-linux-musl/, program.out)
  end

  test "on another processor, it starts its child and serves it" do
    program = foreign(TrialGems.executable("aarch64-linux"), "puma", "-C", "#{APPS}/puma.rb", "#{APPS}/echo.ru", within: QEMU)
    assert_equal "/?q=1", JSON.parse(program.get("/?q=1").body)["uri"]
    program.signal :TERM
    assert_equal 143, program.exit_status
  end

  # Debian has it under this name, and so has Ubuntu.
  QEMU = %w[qemu-aarch64].freeze

  # Whoever is no administrator becomes one in a namespace.
  CHANGED_ROOT = [*(%w[unshare --user --map-root-user] unless Process.uid.zero?), "chroot"].freeze

  private

  # A thrust, but that executable.
  def foreign(executable, *words, within:)
    keep(Thrust.new(*words, within: within, executable: executable)).await_start
  end

  # A system with that executable, a shell and a server that need no library either, a page, and nothing else.
  def bare_system
    FileUtils.mkdir_p %w[bin www].map { |name| "#{scratch}/#{name}" }
    FileUtils.cp static_busybox, "#{scratch}/bin/busybox"
    FileUtils.cp TrialGems.executable("x86_64-linux"), "#{scratch}/thrust"
    File.write "#{scratch}/www/index.html", "served without a C library"
    scratch
  end

  def static_busybox
    path = ENV.fetch("PATH").split(File::PATH_SEPARATOR).map { |folder| "#{folder}/busybox" }.find { |file| File.executable?(file) }
    raise "There is no busybox. Type: bin/setup tests" unless path
    raise "#{path} needs a C library. Type: bin/setup tests" if Elf.new(path).interpreted?

    path
  end
end
