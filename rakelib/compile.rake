# frozen_string_literal: true

# The executable of each platform, built on one Linux machine. The same sources and compilers give the same bytes, in
# whatever folder and whenever. What becomes of it is gem.rake's.

require_relative "../lib/thruster/platform"

# Linux' are static, so that one serves every C library.
TARGETS = {
  "x86_64-linux" => "x86_64-unknown-linux-musl",
  "aarch64-linux" => "aarch64-unknown-linux-musl",
  "x86_64-darwin" => "x86_64-apple-darwin",
  "arm64-darwin" => "aarch64-apple-darwin"
}.freeze

# The oldest macOS they run on: the first for ARM.
MACOS = "11.0"

# zig compiles the C, but Rust's own linker links, because zig's command takes none of these arguments for its own. With
# them, starting at another address each time costs 4 kB of relocations and not 330, equal functions are kept once (70 kB),
# no-unwinding.ld leaves out what is for nobody where a panic ends the process, and what a profile tells to be cold is
# kept apart, so that less of the file is read into memory (0.3 MB).
LINUX_FLAGS = %w[
  -Clinker=rust-lld -Clinker-flavor=ld.lld -Clink-self-contained=yes
  -Clink-arg=-O2 -Clink-arg=--icf=all -Clink-arg=-zpack-relative-relocs -Clink-arg=--build-id=none
  -Clink-arg=--no-eh-frame-hdr -Clink-arg=-Trakelib/no-unwinding.ld -Clink-arg=-zkeep-text-section-prefix
].freeze

# Without libraries that are only asked for in case.
MACOS_FLAGS = %w[-Clink-arg=-Wl,-dead_strip_dylibs].freeze

# A quick build is for tests, and no debugger's; nothing could unwind in it.
QUICK = %w[DEBUG=0 STRIP=symbols PANIC=abort].to_h { |setting| "CARGO_PROFILE_DEV_#{setting}".split("=") }.freeze

CROSS_TOOLS = "rakelib/cross-tools.txt"

namespace :compile do
  Thruster::Platform::SUPPORTED.each do |platform|
    desc "Build the executable for #{platform} (PROFILE=dev: quickly)"
    task(platform) { puts compile(platform) }
  end
end

# Its path. One for use goes by a profile, where its platform has one (profile.rake).
def compile(platform, profile: ENV.fetch("PROFILE", "release"), into: target_directory, flags: nil)
  target = TARGETS.fetch(platform)
  tools = cross_tools
  ensure_standard_library target
  # First, since only what has been fetched has a place that can be kept out of the executable.
  sh "cargo", "fetch", "--locked", "--quiet", "--target", target
  flags ||= profile == "dev" ? [] : profile_flags(platform)
  environment = compile_environment(target, tools, flags, into).merge(profile == "dev" ? QUICK : {})
  sh environment, "cargo-zigbuild", "zigbuild",
     "--locked", "--package", "thrust", "--profile", profile, "--target", target
  File.join(into, target, profile == "dev" ? "debug" : profile, "thrust")
end

def compile_environment(target, tools, flags, into)
  flags = [*remapped_paths, *(target.include?("linux") ? LINUX_FLAGS : MACOS_FLAGS), *flags]
  { "PATH" => [File.join(tools, "bin"), ENV.fetch("PATH")].join(File::PATH_SEPARATOR),
    "CARGO_TARGET_DIR" => into,
    "CARGO_ENCODED_RUSTFLAGS" => flags.join("\x1f"),
    "MACOSX_DEPLOYMENT_TARGET" => MACOS,
    "SOURCE_DATE_EPOCH" => source_date }
end

# Where things are on this machine is nobody else's concern; of two that fit, rustc takes the last.
def remapped_paths
  sources = Dir[File.join(cargo_home, "registry/src/*")].sort
  [Dir.pwd, target_directory, cargo_home, *sources].map { |path| "--remap-path-prefix=#{path}/=" }
end

# Into a folder of their own, anew when other versions are wanted.
def cross_tools
  tools = File.join(target_directory, "cross-tools")
  installed = File.join(tools, "installed.txt")
  return tools if File.exist?(installed) && FileUtils.identical?(installed, CROSS_TOOLS)

  rm_rf tools, verbose: false
  sh "python3", "-m", "venv", tools
  sh File.join(tools, "bin/pip"), "install", "--quiet", "--require-hashes", "--only-binary=:all:", "-r", CROSS_TOOLS
  cp CROSS_TOOLS, installed, verbose: false
  tools
end

# rustup is asked only for what is not there: some have their Rust from elsewhere.
def ensure_standard_library(target)
  sh "rustup", "target", "add", target unless File.directory?(rust_path("lib/rustlib", target, "lib"))
end

# Of what comes with rustc: libraries, tools, notices.
def rust_path(*parts)
  File.join(`rustc --print sysroot`.chomp, *parts)
end

def target_directory
  File.expand_path(ENV.fetch("CARGO_TARGET_DIR", "target"))
end

def cargo_home
  File.expand_path(ENV.fetch("CARGO_HOME", "~/.cargo"))
end

# That of the commit, so that the same one gives the same bytes whenever it is built; without one, as RubyGems does.
def source_date
  ENV["SOURCE_DATE_EPOCH"] ||= `git log -1 --format=%ct 2>#{File::NULL}`.chomp.then { |date| date.empty? ? "315619200" : date }
end
