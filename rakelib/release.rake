# frozen_string_literal: true

require "digest"
require_relative "../lib/thruster/version"

# What a release has beside its gems, which are gem.rake's. All of it goes where they are.
namespace :release do
  directory = ENV.fetch("PACKAGES", "pkg")

  desc "Check that TAG=vVERSION is this version, that the changelog has it with a date, and that profiles fit"
  task :check do
    tag = ENV.fetch("TAG")
    abort "The tag is #{tag}, the version is #{Thruster::VERSION}." unless tag == "v#{Thruster::VERSION}"

    release_notes
    complaints = PROFILED.map { |platform| profile_complaint(platform) }.compact # profile.rake's
    abort complaints.join("\n") if complaints.any?
  end

  desc "Print what the changelog says of this version"
  task :notes do
    puts release_notes
  end

  desc "Write what each gem's executable is made of (CycloneDX); needs cargo install --locked cargo-cyclonedx"
  task :sbom do
    mkdir_p directory, verbose: false
    TARGETS.each { |platform, target| write_sbom platform, target, into: directory } # compile.rake's
  end

  desc "Write SHA256SUMS of the packages, for sha256sum --check"
  task :checksums do
    files = Dir.glob("*.{gem,json}", base: directory).sort
    abort "There is no gem in #{directory}. Type: rake gem" unless files.any? { |name| name.end_with?(".gem") }

    sums = files.map { |name| "#{Digest::SHA256.file("#{directory}/#{name}").hexdigest}  #{name}\n" }
    File.write "#{directory}/SHA256SUMS", sums.join
  end
end

# The changelog's bullets for this version.
def release_notes
  entries = File.read("CHANGELOG.md").split(/^(?=## )/)
  heading, *text = entries.find { |entry| entry.start_with?("## #{Thruster::VERSION} ") }.to_s.lines
  unless heading.to_s.match?(/ \(\d{4}-\d\d-\d\d\)$/)
    abort "CHANGELOG.md needs a heading with a date: ## #{Thruster::VERSION} (YYYY-MM-DD)"
  end

  text.join.strip
end

# cargo-cyclonedx writes a file beside the manifest of every crate, with the path of this folder in it.
def write_sbom(platform, target, into:)
  name = "thruster-#{Thruster::VERSION}-#{platform}.cdx"
  sh "cargo", "cyclonedx", "--quiet", "--format", "json", "--spec-version", "1.5", "--target", target,
     "--override-filename", name, "--manifest-path", "crates/thrust/Cargo.toml"
  bill = File.read("crates/thrust/#{name}.json").gsub("path+file://#{Dir.pwd}/", "path+file:///")
  File.write File.join(into, "#{name}.json"), bill
ensure
  rm_f Dir.glob("{crates,ext}/*/#{name}.json"), verbose: false
end
