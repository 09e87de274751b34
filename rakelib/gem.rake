# frozen_string_literal: true

require "rubygems/package"
require "tmpdir"
require_relative "../lib/thruster/platform"

namespace :gem do
  desc "Pack the gem for this machine's platform into pkg/ (EXECUTABLE=path: with this executable, PACKAGES=path: elsewhere)"
  task :native do
    executable = ENV.fetch("EXECUTABLE") { build_executable }
    pack_gem Thruster::Platform.local, executable, into: ENV.fetch("PACKAGES", "pkg")
  end
end

def build_executable
  sh "cargo", "build", "--release", "--locked", "--package", "thrust"
  File.join(ENV.fetch("CARGO_TARGET_DIR", "target"), "release", "thrust")
end

# A platform's gem is the plain gem and one executable. It is packed from a copy, so that the
# modes in it are those given here, whatever umask the working tree was made under.
def pack_gem(platform, executable, into:)
  spec = Gem::Specification.load("thruster.gemspec").dup
  carried = File.join(spec.bindir, platform, "thrust")
  spec.platform = platform
  mkdir_p into
  package = File.expand_path(spec.file_name, into)

  Dir.mktmpdir("thruster-gem") do |stage|
    spec.files.each { |path| stage_file path, File.join(stage, path), path == "exe/thrust" ? 0o755 : 0o644 }
    stage_file executable, File.join(stage, carried), 0o755
    spec.files += [carried]
    chdir(stage, verbose: false) { Gem::Package.build(spec, false, false, package) }
  end
end

def stage_file(source, copy, mode)
  mkdir_p File.dirname(copy), verbose: false
  install source, copy, mode: mode, verbose: false
end
