# frozen_string_literal: true

require "digest"
require "json"
require "tmpdir"
require "zlib"

# How often an executable came by each of its branches under load. By that LLVM lays out the next one: what is hot is
# inlined, what is cold is made small, and a request takes a fifth fewer instructions (bench/README.md).
#
# It is committed, because the same sources have to give the same bytes (compile.rake), and is taken by hand: with nginx
# and the load generators of bin/bench, in a quarter of an hour. It knows functions by names that change with the
# compiler, the dependencies and their settings, and by their branches: one that has been changed since counts as cold.

PROFILES = "rakelib/profiles"

# Platforms that have a profile, and the scenarios it is taken under.
PROFILED = %w[x86_64-linux].freeze
LOADS = %w[proxy compression waits cache http2 handshakes files upload websocket events].freeze

# Only what is hot is inlined, which to LLVM is what makes up 99 % of all counts, and all else is built for size ("pgso").
PROFILE_LLVM = %w[
  -inline-threshold=0 -inlinehint-threshold=0 -inlinecold-threshold=-30 -inline-cold-callsite-threshold=-30
  -pgso-lwss-only=false -pgso-cutoff-instr-prof=990000
].join(" ")

namespace :profile do
  PROFILED.each do |platform|
    desc "Take the profile by which the executable for #{platform} is built, with bin/bench"
    task(platform) { take_profile platform }
  end
end

def profile_file(platform)
  File.join(PROFILES, "#{platform}.profdata.gz")
end

# None where there is no profile, or one with other names in it.
def profile_flags(platform)
  return [] unless PROFILED.include?(platform)

  complaint = profile_complaint(platform)
  warn complaint if complaint
  complaint ? [] : ["-Cprofile-use=#{unpacked_profile(platform)}", "-Cllvm-args=#{PROFILE_LLVM}"]
end

def profile_complaint(platform)
  file = profile_file(platform)
  advice = "The executable will be slower. Type: rake profile:#{platform}"
  return "#{file} is not there. #{advice}" unless File.exist?(file)

  taken, this = Zlib::GzipReader.open(file, &:comment), profiled_build
  "#{file} does not fit: it was taken of #{taken}, and this is #{this}. #{advice}" unless taken == this
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
  File.binwrite(path, data)
  path
end

def take_profile(platform)
  build = profiled_build
  profdata = llvm_profdata
  counting = compile(platform, profile: "release", flags: ["-Cprofile-generate"], into: File.join(target_directory, "counting"))
  Dir.mktmpdir("thruster-profile") do |counts|
    load_for_profile "THRUSTER_EXECUTABLE" => counting, "LLVM_PROFILE_FILE" => "#{counts}/%p.profraw"
    sh profdata, "merge", "--failure-mode=all", "-o", "#{counts}/all", *Dir["#{counts}/*.profraw"], verbose: false
    mkdir_p PROFILES, verbose: false
    Zlib::GzipWriter.open(profile_file(platform), Zlib::BEST_COMPRESSION) do |zip|
      zip.comment = build
      zip.write File.binread("#{counts}/all")
    end
  end
end

# Limits are not for an executable that counts, but what was not measured would be taken for cold.
def load_for_profile(environment)
  results = "bench/results/results.json"
  rm_f results, verbose: false
  system environment, "bin/bench", *LOADS, "--rounds", "1", "--against", "nginx"
  abort "bin/bench did not come to its end." unless File.exist?(results)

  failed = JSON.parse(File.read(results)).fetch("rows").select { |row| row["server"] == "thrust" && row["failure"] }
  abort failed.map { |row| "#{row["name"]}: #{row["failure"]}" }.join("\n") if failed.any?
end

def llvm_profdata
  place = rust_path("lib/rustlib/*/bin/llvm-profdata")
  sh "rustup", "component", "add", "llvm-tools" if Dir[place].empty?
  Dir[place].first || abort("There is no #{place}.")
end
