# frozen_string_literal: true

# The gem for platforms without one of their own: the engine's sources, and ext/thruster/extconf.rb that builds them.

# Not those of crates/thruster-test: no test depends on what is packed, nor the other way round.
SOURCES = "{crates/{thrust,thruster-cache,thruster-proxy},ext/thruster}/{Cargo.toml,build.rs,extconf.rb,src/**/*.rs}"

namespace :gem do
  desc "Pack the source gem, which builds the executable where it is installed"
  task(:ruby) { pack_source_gem into: packages }
end

def pack_source_gem(into:)
  spec = Gem::Specification.load("thruster.gemspec").dup
  spec.platform = Gem::Platform::RUBY
  spec.extensions = ["ext/thruster/extconf.rb"]
  spec.files += Dir.glob(SOURCES)

  pack(spec, into: into) do |stage|
    spec.files += stage_workspace(stage)
  end
end

# cargo wants every member of a workspace to be there, and with --locked a lock file of exactly those.
def stage_workspace(stage)
  manifest = File.join(stage, "Cargo.toml")
  File.write(manifest, File.read("Cargo.toml").sub(/^members = \[.*\]$/) { |members| packed_members(members, stage) })
  stage_file "Cargo.lock", File.join(stage, "Cargo.lock"), 0o644
  update = ["cargo", "update", "--quiet", "--workspace", "--manifest-path", manifest]
  sh(*update, "--offline") { |done,| sh(*update) unless done }
  %w[Cargo.toml Cargo.lock].each { |path| chmod 0o644, File.join(stage, path), verbose: false }
end

def packed_members(line, stage)
  line.gsub(/"([^"]+)"(?:, )?/) { |member| File.exist?(File.join(stage, $1, "Cargo.toml")) ? member : "" }.sub(/, \]/, "]")
end
