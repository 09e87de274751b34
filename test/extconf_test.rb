# frozen_string_literal: true

require "test_helper"
require "fileutils"
require "thruster/platform"

# What the source gem does when it is installed, up to cargo. That cargo then compiles it, the tests of the packed gem
# show.
class ExtconfTest < ThrusterTest
  ROOT = File.expand_path("..", __dir__)
  HERE = Thruster::Platform.local
  NEEDED = File.read("#{ROOT}/Cargo.toml")[/^rust-version = "(.+)"/, 1]
  LIBRARY = "lib/thruster/native.#{RbConfig::CONFIG["DLEXT"]}"

  # Compiles nothing, but leaves what cargo would have, and says how it was called.
  CARGO = <<~'SH'
    #!/bin/sh
    if [ "$1" = --version ]; then echo 'cargo 99.0.0 (0000000 2099-01-01)'; exit; fi
    echo "$@ RUBY=$RUBY" >>"$CALLS"
    while [ $# -gt 0 ]; do
      case $1 in
        --target-dir) target=$2 ;;
        --release) made=release/thrust ;;
        --profile) made=extension/libthruster_ruby.SOEXT; [ -z "$BROKEN" ] || { echo 'error: no libclang'; exit 101; } ;;
      esac
      shift
    done
    mkdir -p "$target/${made%/*}" && echo "$made" >"$target/$made"
  SH

  def setup
    super
    %w[Cargo.toml lib/thruster/platform.rb ext/thruster/extconf.rb].each do |path|
      FileUtils.mkdir_p File.dirname("#{scratch}/#{path}")
      FileUtils.cp "#{ROOT}/#{path}", "#{scratch}/#{path}"
    end
    FileUtils.mkdir "#{scratch}/bin"
  end

  def cargo(text = CARGO)
    File.write("#{scratch}/bin/cargo", text.sub("SOEXT", RbConfig::CONFIG["SOEXT"]))
    File.chmod(0o755, "#{scratch}/bin/cargo")
  end

  # As RubyGems runs it: in its own folder.
  def extconf(*options, path: "#{scratch}/bin:#{ENV.fetch("PATH")}", **env)
    start(RbConfig.ruby, *options, "extconf.rb", directory: "#{scratch}/ext/thruster",
                                                 env: { "HOME" => scratch, "PATH" => path }.merge(env.transform_keys(&:to_s)))
  end

  def make(target, **env)
    program = start("make", "DESTDIR=", *target, directory: "#{scratch}/ext/thruster",
                                                env: { "CALLS" => "#{scratch}/calls" }.merge(env.transform_keys(&:to_s)))
    assert_equal 0, program.exit_status, program.said
    program
  end

  def assert_refused(program, *parts)
    assert_equal 1, program.exit_status
    parts.each { |part| assert_includes program.err, part }
    assert_includes program.err, "gem install thruster --platform #{HERE}" if Thruster::Platform.supported?(HERE)
    refute File.exist?("#{scratch}/ext/thruster/Makefile")
  end

  test "without cargo, it says how to get it" do
    assert_refused extconf(path: "#{scratch}/bin"), "no cargo in PATH", "https://sh.rustup.rs | sh"
  end

  test "cargo is found where rustup puts it" do
    cargo
    FileUtils.mkdir_p "#{scratch}/.cargo"
    FileUtils.mv "#{scratch}/bin", "#{scratch}/.cargo/bin"
    program = extconf(path: "/usr/bin:/bin", CC: "cc")
    assert_equal 0, program.exit_status, program.said
    assert_includes File.read("#{scratch}/ext/thruster/Makefile"), "#{scratch}/.cargo/bin/cargo build"
  end

  test "with a cargo that is too old, it says how to get another" do
    cargo "#!/bin/sh\necho 'cargo 1.9.0 (28d1d60d4 2022-07-16)'\n"
    assert_refused extconf, "Rust #{NEEDED} or newer", "#{scratch}/bin/cargo is 1.9.0", "rustup update stable"
  end

  test "a cargo that does not work is quoted" do
    cargo "#!/bin/sh\necho 'error: no default toolchain' >&2\nexit 1\n"
    assert_refused extconf, "#{scratch}/bin/cargo does not work", "    error: no default toolchain"
  end

  test "without a C compiler, it says how to get one" do
    cargo
    assert_refused extconf(path: "#{scratch}/bin"), "C compiler", "apt-get install gcc"
  end

  test "both are compiled and put into the gem, and the build tree goes" do
    cargo
    said = extconf.tap(&:await_end).said
    assert_includes said, "compiling the extension"
    [["clean"], [], ["install"]].each { |target| make target }
    { "exe/#{HERE}/thrust" => "release/thrust\n", LIBRARY => "extension/libthruster_ruby.#{RbConfig::CONFIG["SOEXT"]}\n" }.each do |path, text|
      assert_equal [0o755, text], ["#{scratch}/#{path}"].flat_map { |file| [File.stat(file).mode & 0o777, File.read(file)] }
    end
    assert_equal %w[Makefile extconf.rb], Dir.children("#{scratch}/ext/thruster").sort
    executable, extension = File.readlines("#{scratch}/calls", chomp: true)
    assert_match(/\Abuild --locked .*--release --package thrust RUBY=\z/, executable)
    assert_match(/\Abuild --locked .*--profile extension --package thruster-ruby RUBY=#{RbConfig.ruby}\z/, extension)
  end

  test "without Ruby's headers, it says so and compiles the executable alone" do
    cargo
    File.write("#{scratch}/headless.rb", "require 'rbconfig'; RbConfig::CONFIG['rubyhdrdir'] = '/nowhere'")
    program = extconf("-r#{scratch}/headless.rb")
    assert_equal 0, program.exit_status
    assert_match(/not compiling the extension, for want of Ruby's headers/, program.out)
    make []
    make ["install"]
    assert File.executable?("#{scratch}/exe/#{HERE}/thrust")
    refute File.exist?("#{scratch}/#{LIBRARY}")
  end

  test "an extension that cannot be compiled does not keep the executable from it" do
    cargo
    extconf.await_end
    assert_includes make([], BROKEN: "1").out, "Going on without it"
    make ["install"]
    assert File.executable?("#{scratch}/exe/#{HERE}/thrust")
    refute File.exist?("#{scratch}/#{LIBRARY}")
  end

  test "a folder that CARGO_TARGET_DIR names stays" do
    cargo
    tree = "#{scratch}/my tree"
    extconf(CARGO_TARGET_DIR: tree).await_end
    [["clean"], [], ["install"]].each { |target| make target }
    assert File.file?("#{tree}/release/thrust")
    assert File.executable?("#{scratch}/exe/#{HERE}/thrust")
  end
end
