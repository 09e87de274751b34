# frozen_string_literal: true

require "rubygems/package"
require "tmpdir"

# What is promised of the gems that are published: how large they are, and where their executables run.

# Bytes.
LARGEST_EXECUTABLE = 6_000_000
LARGEST_GEM = 3_000_000

PROCESSORS = {
  "x86_64-linux" => "x86_64", "aarch64-linux" => "aarch64", "x86_64-darwin" => "x86_64", "arm64-darwin" => "arm64"
}.freeze
MACOS_LIBRARIES = ["/usr/lib/libSystem.B.dylib"].freeze

namespace :gem do
  desc "Check that all gems are in pkg/ (or PACKAGES), no larger than promised, and for the systems they name"
  task :verify do
    complaints = [*Thruster::Platform::SUPPORTED, "ruby"].flat_map { |platform| complaints_about(platform) }
    abort complaints.join("\n") if complaints.any?
  end
end

def complaints_about(platform)
  package = package_path(platform)
  return ["#{package} is not there"] unless File.exist?(package)

  contents = platform == "ruby" ? [] : complaints_about_contents(package, platform)
  [too_large("it", package, LARGEST_GEM), *contents].compact.map { |complaint| "#{package}: #{complaint}" }
end

def complaints_about_contents(package, platform)
  Dir.mktmpdir("thruster-verify") do |directory|
    Gem::Package.new(package).extract_files(directory)
    executable = File.join(directory, "exe", platform, "thrust")
    next ["it has no executable"] unless File.exist?(executable)

    [too_large("its executable", executable, LARGEST_EXECUTABLE, said_of: package), *misfits(executable, platform),
     *places_named_in(executable), *missing_licences(File.join(directory, LICENCES))]
  end
end

def too_large(what, file, limit, said_of: file)
  puts "#{said_of}: #{what} has #{File.size(file)} bytes"
  "#{what} has #{File.size(file)} bytes, more than #{limit}" if File.size(file) >= limit
end

# Why that executable would not run everywhere it is for.
def misfits(executable, platform)
  platform.end_with?("linux") ? linux_misfits(executable, platform) : macos_misfits(executable, platform)
rescue StandardError => error # it is something else altogether
  ["its executable cannot be read: #{error.message}"]
end

def linux_misfits(executable, platform)
  require_relative "../test/support/elf" # here, since gems can be packed without the tests
  elf = Elf.new(executable)
  [("its executable is for #{elf.machine}" unless elf.machine == PROCESSORS.fetch(platform)),
   ("its executable is not static" if elf.interpreted? || elf.libraries.positive?)]
end

def macos_misfits(executable, platform)
  require_relative "../test/support/mach_o"
  program = MachO.new(executable)
  [("its executable is for #{program.processor}" unless program.executable? && program.processor == PROCESSORS.fetch(platform)),
   ("its executable needs macOS #{program.minimum_system}, not #{MACOS}" unless program.minimum_system == MACOS),
   ("its executable needs #{program.libraries.join(", ")}" unless program.libraries == MACOS_LIBRARIES),
   ("its executable is not signed, or was changed afterwards" if platform.start_with?("arm64") && !signed?(program))]
end

def signed?(program)
  program.signed? && program.signature_valid?
end

# Those of this machine, which are nobody else's concern.
def places_named_in(executable)
  bytes = File.binread(executable)
  places = [Dir.pwd, Dir.home, target_directory, cargo_home] - ["/"]
  places.uniq.select { |place| bytes.include?("#{place}/".b) }.map { |place| "its executable names #{place}" }
end

# A Rust without its notices leaves a gap.
def missing_licences(file)
  text = File.exist?(file) ? File.read(file, encoding: "UTF-8") : ""
  ["it has no #{LICENCES}, or one without Rust's standard library"] unless text.include?("Rust's standard library\n")
end
