# frozen_string_literal: true

require "digest"
require "zlib"

# How often an executable came by each of its branches under load. By that LLVM lays out the next one: what is hot is
# inlined, what is not is made small, and a request takes a third fewer instructions (bench/README.md).
#
# It is committed, because the same sources have to give the same bytes (compile.rake), and is taken by hand: with nginx
# and the load generators of bin/bench, in ten minutes. It knows functions by names that change with the compiler, the
# dependencies and their settings; a function that was changed itself is built as if there were no profile.

PROFILES = "rakelib/profiles"

# Whose names and branches are known, and on what they are taken.
PROFILED = %w[x86_64-linux].freeze
LOADS = %w[proxy compression cache http2 handshakes files upload websocket events].freeze

# Inlined is what is hot; all else is made as small as can be, as if it were for size ("pgso"). Also while counting, or
# the branches would be others.
PROFILE_LLVM = "-Cllvm-args=-inline-threshold=0 -inlinehint-threshold=0 -inlinecold-threshold=-30 " \
               "-inline-cold-callsite-threshold=-30 -pgso-lwss-only=false"

namespace :profile do
  PROFILED.each do |platform|
    desc "Take the profile by which the executable for #{platform} is built, with bin/bench"
    task(platform) { take_profile platform }
  end
end

# One that is published goes by a profile that fits (the rest of this task is in release.rake).
task "release:check" do
  complaints = PROFILED.map { |platform| profile_complaint(platform) }.compact
  abort complaints.join("\n") if complaints.any?
end

def profile_file(platform)
  File.join(PROFILES, "#{platform}.profdata.gz")
end

# None where there is no profile, or one with other names in it.
def profile_flags(platform)
  return [] unless PROFILED.include?(platform)

  complaint = profile_complaint(platform)
  warn complaint if complaint
  complaint ? [] : ["-Cprofile-use=#{unpacked_profile(platform)}", PROFILE_LLVM]
end

def profile_complaint(platform)
  file = profile_file(platform)
  advice = "The executable will be slower. Type: rake profile:#{platform}"
  return "#{file} is not there. #{advice}" unless File.exist?(file)

  taken = Zlib::GzipReader.open(file, &:comment)
  "#{file} does not fit: it was taken of #{taken}, and this is #{profiled_build}. #{advice}" unless taken == profiled_build
end

# What the names in a profile depend on.
def profiled_build
  manifests = Dir["Cargo.{lock,toml}", "crates/thrust{,er-proxy,er-cache}/Cargo.toml"].sort
  "#{`rustc --version`.chomp} with manifests #{Digest::SHA256.hexdigest(manifests.map { File.read(_1) }.join)[0, 12]}"
end

# Under a name by which cargo knows one profile from another.
def unpacked_profile(platform)
  data = Zlib::GzipReader.open(profile_file(platform), &:read)
  path = File.join(target_directory, "profiles", "#{Digest::SHA256.hexdigest(data)[0, 16]}.profdata")
  mkdir_p File.dirname(path), verbose: false
  File.binwrite(path, data) unless File.exist?(path)
  path
end

def take_profile(platform)
  tools = llvm_tools
  executable = compile(platform, flags: ["-Cprofile-generate", PROFILE_LLVM], into: File.join(target_directory, "counting"))
  Dir.mktmpdir("thruster-profile") do |counts|
    # Its limits are not for an executable that counts, hence any exit status.
    system({ "THRUSTER_EXECUTABLE" => executable, "LLVM_PROFILE_FILE" => "#{counts}/%p.profraw" },
           "bin/bench", *LOADS, "--rounds", "1", "--against", "nginx")
    sh File.join(tools, "llvm-profdata"), "merge", "-o", "#{counts}/all", *Dir["#{counts}/*.profraw"]
    write_profile File.binread("#{counts}/all"), to: profile_file(platform)
  end
end

def write_profile(data, to:)
  mkdir_p File.dirname(to), verbose: false
  Zlib::GzipWriter.open(to, Zlib::BEST_COMPRESSION) do |zip|
    zip.comment = profiled_build
    zip.mtime = 1 # or the clock's would be in it
    zip.write data
  end
end

def llvm_tools
  tools = Dir[File.join(`rustc --print sysroot`.chomp, "lib/rustlib/*/bin")].find { |bin| File.exist?("#{bin}/llvm-profdata") }
  return tools if tools

  sh "rustup", "component", "add", "llvm-tools"
  llvm_tools
end
