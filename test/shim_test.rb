# frozen_string_literal: true

require "test_helper"
require "fileutils"
require "thruster/platform"

# exe/thrust, in a copy of the gem that holds whatever executable the test puts there.
class ShimTest < ThrusterTest
  ROOT = File.expand_path("..", __dir__)
  HERE = Thruster::Platform.local
  REPORT = <<~'SH'
    #!/bin/sh
    for word in "$0" "$@"; do printf '<%s>\n' "$word"; done
    printf 'COLOUR=%s PID=%s\n' "$COLOUR" "$$"
    exit 42
  SH

  def setup
    super
    %w[exe/thrust lib].each do |path|
      FileUtils.mkdir_p File.dirname("#{scratch}/#{path}")
      FileUtils.cp_r "#{ROOT}/#{path}", "#{scratch}/#{path}", preserve: true
    end
  end

  def place(path, text = REPORT, mode: 0o755)
    FileUtils.mkdir_p File.dirname("#{scratch}/#{path}")
    File.write("#{scratch}/#{path}", text)
    File.chmod(mode, "#{scratch}/#{path}")
  end

  def shim(*words, env: {})
    start(RbConfig.ruby, "#{scratch}/exe/thrust", *words, env: env)
  end

  def assert_explained(program, *parts)
    assert_equal 1, program.exit_status
    assert_empty program.out
    assert_match(/\AERROR: /, program.err)
    parts.each { |part| assert_includes program.err, part }
  end

  test "it becomes the executable of this platform, with its exit status and the same process" do
    place "exe/#{HERE}/thrust"
    program = shim("bin/rails", env: { "COLOUR" => "green" })
    assert_equal 42, program.exit_status
    assert_equal "<#{scratch}/exe/#{HERE}/thrust>\n<bin/rails>\nCOLOUR=green PID=#{program.pid}\n", program.out
  end

  test "words reach the executable as they are" do
    place "exe/#{HERE}/thrust"
    words = ["--version", "two words", "", "$HOME;*", "-p", "quote'\"s", "--", "ü"]
    program = shim(*words)
    program.await_end
    assert_equal words.map { |word| "<#{word}>" }, program.out.lines(chomp: true)[1..-2]
  end

  test "no word at all, and a directory with a space and a quote in its name, need no shell" do
    place "it's exe/report"
    program = shim(env: { "THRUSTER_EXECUTABLE" => "#{scratch}/it's exe/report" })
    assert_equal 42, program.exit_status
    assert_includes program.out, "<#{scratch}/it's exe/report>\n"
  end

  test "THRUSTER_EXECUTABLE wins over the executable in the gem" do
    place "exe/#{HERE}/thrust"
    place "mine", "#!/bin/sh\necho mine $THRUSTER_EXECUTABLE\n"
    program = shim(env: { "THRUSTER_EXECUTABLE" => "#{scratch}/mine" })
    assert_equal 0, program.exit_status
    assert_equal "mine #{scratch}/mine\n", program.out
  end

  test "THRUSTER_EXECUTABLE must be an executable file" do
    place "mine", mode: 0o644
    [scratch, "#{scratch}/mine", "#{scratch}/nothing"].each do |path|
      assert_explained shim(env: { "THRUSTER_EXECUTABLE" => path }), "THRUSTER_EXECUTABLE", path
    end
  end

  test "the executable gets the environment as it was" do
    env = %w[/usr/bin/env /bin/env].find { |path| File.executable?(path) }
    FileUtils.mkdir_p "#{scratch}/exe/#{HERE}"
    File.symlink env, "#{scratch}/exe/#{HERE}/thrust"
    given, passed = start(env, env: { "COLOUR" => "green" }), shim(env: { "COLOUR" => "green" })
    [given, passed].each(&:await_end)
    assert_includes passed.out, "COLOUR=green\n"
    assert_equal given.out.lines.sort, passed.out.lines.sort
  end

  # Ruby's own start apart, that is what the shim costs: each file more would be felt at every start.
  test "it loads nothing but itself" do
    place "exe/#{HERE}/thrust"
    script = <<~'RUBY'
      before = $LOADED_FEATURES.dup
      define_method(:exec) { |*| puts $LOADED_FEATURES - before }
      load ARGV.shift
    RUBY
    program = start(RbConfig.ruby, "--disable-gems", "-e", script, "#{scratch}/exe/thrust", "puma")
    assert_equal 0, program.exit_status, program.said
    loaded = program.out.lines(chomp: true).grep_v(%r{/rbconfig\.rb\z})
    assert_equal %w[executable platform].map { |name| "#{scratch}/lib/thruster/#{name}.rb" }, loaded.sort
  end

  test "a gem of another platform says what to type" do
    other = (Thruster::Platform::SUPPORTED - [HERE]).first
    place "exe/#{other}/thrust"
    assert_explained shim("puma"), "no executable for #{HERE} (only for #{other})",
                     "    gem install thruster --platform #{HERE}\n"
  end

  test "a source gem without an executable says what to type" do
    place "ext/thruster/extconf.rb", ""
    assert_explained shim("puma"), "executable for #{HERE} was not built", "    gem pristine thruster\n"
  end

  test "an executable without its mode says what to type" do
    place "exe/#{HERE}/thrust", mode: 0o644
    assert_explained shim("puma"), "#{scratch}/exe/#{HERE}/thrust", "gem pristine thruster"
  end

  test "a file that the system cannot start is named" do
    place "mine", "#!/no/such/interpreter\n"
    assert_explained shim(env: { "THRUSTER_EXECUTABLE" => "#{scratch}/mine" }), "#{scratch}/mine", "cannot be started"
  end

  test "an unsupported platform learns which are supported" do
    require "thruster/executable"
    error = assert_raises(Thruster::Executable::Missing) do
      Thruster::Executable.find(platform: "riscv64-linux", directory: "#{scratch}/exe", chosen: nil)
    end
    assert_includes error.message, "riscv64-linux"
    assert_includes error.message, "THRUSTER_EXECUTABLE="
    Thruster::Platform::SUPPORTED.each { |name| assert_includes error.message, name }
  end
end
