# frozen_string_literal: true

require "rubygems/package"
require "tmpdir"
require_relative "../lib/thruster/platform"

# A gem for each platform with its executable in it, and the one that builds it where it is installed (source_gem.rake).
# All go into pkg/, or PACKAGES.

namespace :gem do
  Thruster::Platform::SUPPORTED.each do |platform|
    desc "Pack the gem for #{platform} (EXECUTABLE=path: around this executable, PROFILE=dev: around a quick build)"
    task(platform) do
      # zopfli takes its time, which is for what is published.
      given, quick = ENV.fetch("EXECUTABLE", nil), ENV["PROFILE"] == "dev"
      pack_gem platform, given || compile(platform), into: packages, packer: given || quick ? Gem::Package : smallest_package
    end
  end

  desc "Pack the gem for this machine's platform around the executable that cargo builds for it (EXECUTABLE=path: around this one)"
  task(:native) { pack_gem Thruster::Platform.local, ENV.fetch("EXECUTABLE") { build_executable }, into: packages }

  # One as it is published, to be measured, and the others as quickly as they can be had. They are built at the same
  # time, because the last and longest step of the first has work for one core alone.
  desc "Pack the gems that the tests look at into target/gems: for x86_64-linux as it is published, the others around quick builds"
  task :trial do
    directory = File.join(target_directory, "gems")
    cross_tools
    published, *others = Thruster::Platform::SUPPORTED
    publishing = Thread.new { compile(published, profile: "release") }
    quick = others.to_h { |platform| [platform, compile(platform, profile: "dev")] }
    rm_rf directory, verbose: false
    pack_gem published, publishing.value, into: directory, packer: smallest_package
    quick.each { |platform, executable| pack_gem platform, executable, into: directory }
    pack_source_gem into: directory
  end
end

desc "Pack all gems into pkg/ (PACKAGES=path: elsewhere)"
task gem: [*Thruster::Platform::SUPPORTED, "ruby"].map { |platform| "gem:#{platform}" }

def packages
  ENV.fetch("PACKAGES", "pkg")
end

# Where that platform's gem is, or would be.
def package_path(platform)
  spec = Gem::Specification.load("thruster.gemspec").dup
  spec.platform = platform
  File.join(packages, spec.file_name)
end

def build_executable
  sh "cargo", "build", "--release", "--locked", "--package", "thrust"
  File.join(target_directory, "release", "thrust")
end

# A platform's gem is the plain gem, one executable, and the licences of what that contains (licences.rake).
def pack_gem(platform, executable, into:, packer: Gem::Package)
  spec = Gem::Specification.load("thruster.gemspec").dup
  carried = File.join(spec.bindir, platform, "thrust")
  spec.platform = platform

  pack(spec, into: into, packer: packer) do |stage|
    stage_file executable, File.join(stage, carried), 0o755
    stage_text third_party_licences(platform), File.join(stage, LICENCES)
    spec.files += [carried, LICENCES]
  end
end

# Packs from a copy, so that neither umask nor clock nor the order of a folder gets into the package; to the copy the
# block adds what is in no checkout.
def pack(spec, into:, packer: Gem::Package)
  mkdir_p into, verbose: false
  package = File.expand_path(spec.file_name, into)
  ENV["SOURCE_DATE_EPOCH"] = source_date

  Dir.mktmpdir("thruster-gem") do |stage|
    spec.files.each { |path| stage_file path, File.join(stage, path), path == "exe/thrust" ? 0o755 : 0o644 }
    yield stage
    spec.files = spec.files.sort
    chdir(stage, verbose: false) { packer.build(spec, false, false, package) }
  end
end

def stage_file(source, copy, mode)
  mkdir_p File.dirname(copy), verbose: false
  install source, copy, mode: mode, verbose: false
end

def stage_text(text, copy)
  File.write copy, text
  chmod 0o644, copy, verbose: false
end
