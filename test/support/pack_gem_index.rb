# frozen_string_literal: true

# Packs thruster for every platform into a folder that RubyGems and Bundler take for a server of gems: the index as
# `gem generate_index` of RubyGems 3.3 makes it, which newer ones no longer have. A program, since packing needs its
# working folder. What the gems carry only says whose it is, for the tests that use them are about the choice.

require "fileutils"
require "rubygems/package"
require "tmpdir"
require "zlib"
require_relative "../../lib/thruster/platform"

ROOT = File.expand_path("../..", __dir__)
INDEX = ARGV.fetch(0)
SOURCE_GEM = "ruby"

# A build that leaves nothing, unless the test says what the executable is to say.
EXTCONF = <<~'RUBY'
  require "fileutils"
  require_relative "../../lib/thruster/platform"
  File.write("Makefile", "all install clean:\n")
  if ENV["BUILT_THRUST"]
    thrust = File.expand_path("../../exe/#{Thruster::Platform.local}/thrust", __dir__)
    FileUtils.mkdir_p File.dirname(thrust)
    File.write thrust, %(#!/bin/sh\necho the gem for #{ENV["BUILT_THRUST"]}: "$@"\n)
    File.chmod 0o755, thrust
  end
RUBY

def specification(platform)
  spec = Gem::Specification.load("#{ROOT}/thruster.gemspec").dup
  spec.platform = platform
  spec.files = Dir.glob("lib/**/*.rb", base: ROOT) + ["exe/thrust"]
  spec.extensions = []
  spec
end

def write(path, text, mode: 0o644)
  FileUtils.mkdir_p File.dirname(path)
  File.write path, text
  File.chmod mode, path
end

# What only this platform's gem has; its name.
def own_file(platform, stage)
  if platform == SOURCE_GEM
    write "#{stage}/ext/thruster/extconf.rb", EXTCONF
    "ext/thruster/extconf.rb"
  else
    write "#{stage}/exe/#{platform}/thrust", %(#!/bin/sh\necho the gem for #{platform}: "$@"\n), mode: 0o755
    "exe/#{platform}/thrust"
  end
end

def pack(platform)
  spec = specification(platform)
  Dir.mktmpdir do |stage|
    spec.files.each do |path|
      write "#{stage}/#{path}", File.read("#{ROOT}/#{path}"), mode: path == "exe/thrust" ? 0o755 : 0o644
    end
    own = own_file(platform, stage)
    spec.files += [own]
    spec.extensions = [own] if platform == SOURCE_GEM
    Dir.chdir(stage) { Gem::Package.build(spec, true, false, "#{INDEX}/gems/#{spec.file_name}") }
  end
  spec
end

def compress(name, object)
  Zlib::GzipWriter.open("#{INDEX}/#{name}.4.8.gz") { |file| file.write Marshal.dump(object) }
end

quick = "#{INDEX}/quick/Marshal.4.8"
FileUtils.mkdir_p ["#{INDEX}/gems", quick]

specs = [*Thruster::Platform::SUPPORTED, SOURCE_GEM].map { |platform| pack(platform) }
specs.each { |spec| File.binwrite "#{quick}/#{spec.full_name}.gemspec.rz", Zlib.deflate(Marshal.dump(spec)) }

names = specs.map { |spec| [spec.name, spec.version, spec.original_platform.to_s] }
compress "specs", names
compress "latest_specs", names
compress "prerelease_specs", []
