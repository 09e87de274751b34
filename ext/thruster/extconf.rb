# frozen_string_literal: true

# Looks for what it takes to compile thruster, and writes a Makefile that has cargo do it: the executable in any case,
# the extension where Ruby's headers and libclang are. RubyGems runs both, in this folder, and shows what they say
# when they fail. Everything is put into the gem itself, and the build tree is removed.

require "rbconfig"
require "shellwords"
require_relative "../../lib/thruster/platform"

ROOT = File.expand_path("../..", __dir__)
PLATFORM = Thruster::Platform.local
MANIFEST = File.read("#{ROOT}/Cargo.toml")

def give_up(message)
  ready = Thruster::Platform.supported?(PLATFORM) ? <<~READY : ""

    There is a gem for #{PLATFORM} that needs none of this. To have it, type:

        gem install thruster --platform #{PLATFORM}

    With Bundler: bundle lock --add-platform #{PLATFORM}, and no force_ruby_platform in the Gemfile.
  READY
  abort "#{message}#{ready}"
end

def command(name, *folders)
  folders = ENV.fetch("PATH", "").split(File::PATH_SEPARATOR) + folders
  folders.map { |folder| File.join(folder, name) }.find { |path| File.file?(path) && File.executable?(path) }
end

# rustup leaves it to the shell's profile to extend PATH, which nobody has read in a container.
def cargo
  home = ENV["CARGO_HOME"] || File.join(Dir.home, ".cargo")
  command("cargo", File.join(home, "bin")) or give_up <<~MESSAGE
    Rust is needed to compile thruster, and there is no cargo in PATH. To install it for your user, type:

        curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh -s -- -y
        . "$HOME/.cargo/env"
  MESSAGE
end

def check_age(cargo)
  said = IO.popen([cargo, "--version"], chdir: ROOT, err: %i[child out], &:read)
  found = said[/\Acargo (\d+\.\d+\.\d+)/, 1] or give_up "#{cargo} does not work. It says:\n\n#{said.gsub(/^/, "    ")}"
  needed = MANIFEST[/^rust-version = "(.+)"/, 1]
  return if Gem::Version.new(found) >= Gem::Version.new(needed)

  give_up <<~MESSAGE
    Rust #{needed} or newer is needed to compile thruster, and #{cargo} is #{found}. With rustup, type:

        rustup update stable

    A package of your system's may be too old: see https://rustup.rs for a newer one.
  MESSAGE
end

def check_compiler
  return if ENV["CC"] || command("cc")

  give_up <<~MESSAGE
    A C compiler is needed to compile thruster, as the command cc. Type:

        apt-get install gcc libc6-dev    # Debian, Ubuntu
        apk add gcc musl-dev             # Alpine
        xcode-select --install           # macOS
  MESSAGE
end

# What the extension lacks, if anything: without it there is no Thruster::Server, and all the rest.
def missing
  headers = RbConfig::CONFIG.values_at("rubyhdrdir", "rubyarchhdrdir").zip(%w[ruby.h ruby/config.h])
  return "Ruby's headers (Debian: ruby-dev)" unless headers.all? { |folder, file| File.file?("#{folder}/#{file}") }

  "libclang (Debian: libclang-dev)" unless libclang?
end

# Where bindgen looks for it, more or less.
def libclang?
  chosen = ENV["LIBCLANG_PATH"]
  return true if chosen && File.file?(chosen)

  config = ENV["LLVM_CONFIG_PATH"] || command("llvm-config")
  told = IO.popen([config, "--libdir"], &:read).chomp if config
  folders = [chosen, told, *%w[
    /usr/lib /usr/lib64 /usr/lib/*-linux-* /usr/lib/llvm*/lib /usr/lib/llvm/*/lib64 /usr/local/lib /usr/local/llvm*/lib
    /opt/homebrew/opt/llvm*/lib /usr/local/opt/llvm*/lib /Library/Developer/CommandLineTools/usr/lib
    /Applications/Xcode.app/Contents/Developer/Toolchains/XcodeDefault.xctoolchain/usr/lib
  ]].compact
  folders.any? { |folder| Dir.glob("#{folder}/libclang{,-*}.{so,so.*,dylib}").any? }
end

# libclang's own headers are in another package, which need not be there: those of the C compiler do as well.
def clang_arguments
  folder = IO.popen([*Shellwords.split(ENV["CC"] || "cc"), "-print-file-name=include"], &:read).chomp
  own = File.directory?(folder) ? "-idirafter #{folder}" : ""
  "#{ENV["BINDGEN_EXTRA_CLANG_ARGS"]} #{own}".strip
end

# CARGO_TARGET_DIR is somebody's own, and stays; what is here alone goes.
def makefile(cargo, lacking)
  tree = ENV["CARGO_TARGET_DIR"]
  build = "#{cargo.shellescape} build --locked --manifest-path ../../Cargo.toml --target-dir #{(tree || "target").shellescape}"
  built = File.join(tree || "target", ENV.fetch("CARGO_BUILD_TARGET", "")).shellescape
  remove = tree ? "true" : "rm -rf target"
  library = "#{built}/extension/libthruster_ruby.#{RbConfig::CONFIG["SOEXT"]}"
  <<~MAKEFILE
    # Written by extconf.rb.
    SHELL = /bin/sh
    .PHONY: all executable extension install clean

    all: #{lacking ? "executable" : "executable extension"}

    executable:
    \t#{build} --release --package thrust

    extension:
    \trm -f #{library}
    \tRUBY=#{RbConfig.ruby.shellescape} BINDGEN_EXTRA_CLANG_ARGS=#{clang_arguments.shellescape} \\
    \t\t#{build} --profile extension --package thruster-ruby || \\
    \t\techo "The extension could not be compiled: there is no Thruster::Server. Going on without it."

    install:
    \tmkdir -p ../../exe/#{PLATFORM} ../../lib/thruster
    \tinstall -m 755 #{built}/release/thrust ../../exe/#{PLATFORM}/thrust
    \tif [ -f #{library} ]; then install -m 755 #{library} ../../lib/thruster/native.#{RbConfig::CONFIG["DLEXT"]}; fi
    \t#{remove}

    clean:
    \t#{remove}
  MAKEFILE
end

cargo = cargo()
check_age(cargo)
check_compiler
lacking = missing
puts "compiling the executable with #{cargo}"
puts lacking ? "not compiling the extension, for want of #{lacking}: there is no Thruster::Server" : "compiling the extension"
File.write("Makefile", makefile(cargo, lacking).gsub("$", "$$"))
