# frozen_string_literal: true

require "rubygems/package"
require "zlib"

# What is promised of the gems that are published.

# Bytes.
LARGEST_EXECUTABLE = 6_000_000
LARGEST_GEM = 3_000_000

namespace :gem do
  desc "Check that all gems are in pkg/ (or PACKAGES), and none is larger than promised"
  task :verify do
    complaints = [*Thruster::Platform::SUPPORTED, "ruby"].flat_map { |platform| complaints_about(platform) }
    abort complaints.join("\n") if complaints.any?
  end
end

def complaints_about(platform)
  spec = Gem::Specification.load("thruster.gemspec").dup
  spec.platform = platform
  package = File.join(packages, spec.file_name)
  return ["#{package} is not there"] unless File.exist?(package)

  sizes = { "it" => File.size(package), "its executable" => executable_size(package) || 0 }
  puts "#{package}: #{sizes.values.join(" bytes, its executable ")}"
  limits = [LARGEST_GEM, LARGEST_EXECUTABLE]
  sizes.zip(limits).filter_map { |(what, size), limit| "#{package}: #{what} has #{size} bytes, more than #{limit}" if size >= limit }
end

# That of the one in exe/PLATFORM; none in the source gem.
def executable_size(package)
  size = nil
  File.open(package, "rb") do |file|
    Gem::Package::TarReader.new(file).seek("data.tar.gz") do |data|
      Zlib::GzipReader.wrap(data) do |files|
        Gem::Package::TarReader.new(files).each do |entry|
          size = entry.header.size if entry.full_name.match?(%r{\Aexe/.+/thrust\z})
        end
      end
    end
  end
  size
end
