# frozen_string_literal: true

require_relative "lib/thruster/version"

Gem::Specification.new do |spec|
  spec.name = "thruster"
  spec.version = Thruster::VERSION
  spec.summary = "A fast HTTP front for Puma in one executable"
  spec.description = "thrust starts your Ruby web server and stands between it and the Internet, so that Puma " \
                     "only does what needs Ruby. There is nothing to configure: put the word thrust before " \
                     "the command that starts your server."
  spec.authors = ["the thruster authors"]
  spec.license = "MIT"
  spec.metadata = { "rubygems_mfa_required" => "true" }

  spec.required_ruby_version = ">= 3.0"

  # What every platform's gem holds; rakelib/gem.rake adds the one executable, or rakelib/source_gem.rake its sources.
  spec.files = Dir.glob(%w[lib/**/*.{rb,tt} sig/*.rbs man/*.1 completions/*], base: __dir__) +
               %w[exe/thrust README.md CHANGELOG.md MIT-LICENSE]
  spec.bindir = "exe"
  spec.executables = ["thrust"]
end
