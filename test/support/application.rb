# frozen_string_literal: true

require "fileutils"
require "support/gem_index"
require "support/packed_gem"
require "support/rubygems"

# An application with thruster in its Gemfile, and the gems it installs, in an empty place; with the RubyGems and Bundler
# that the test names, on the machine that it names.
class Application
  MACHINE = File.expand_path("elsewhere.rb", __dir__)

  attr_reader :root

  # `start` is the test's, which ends what it started.
  def initialize(root, rubygems:, start:)
    @root = root
    @rubygems = rubygems
    @start = start
    @env = PackedGem::OUTSIDE_BUNDLER.merge(
      "HOME" => root, "GEM_HOME" => gem_home, "GEM_PATH" => [gem_home, *Gem.path].join(File::PATH_SEPARATOR),
      "PATH" => "#{gem_home}/bin:#{ENV.fetch("PATH")}", "BUNDLE_SILENCE_ROOT_WARNING" => "1", "NO_COLOR" => "1"
    ).merge(rubygems.environment)
    FileUtils.mkdir_p [root, gem_home]
    File.write "#{root}/.gemrc", ":sources:\n- #{GemIndex.url}\n"
    gemfile
  end

  # With what its Gemfile says of thruster beside the name.
  def gemfile(options = "")
    File.write "#{root}/Gemfile", "source \"#{GemIndex.url}\"\ngem \"thruster\"#{options}\n"
  end

  # From now on this is another machine, by the name that RubyGems gives it.
  def move_to(machine)
    @env["RUBY_MACHINE"] = machine
    @env["RUBYOPT"] = "-r#{MACHINE}"
  end

  # Gemfile.lock as Bundler leaves it on other machines: the platforms it lists, and those it found a thruster for.
  def lock(platforms:, gems:)
    File.write "#{root}/Gemfile.lock", <<~LOCK
      GEM
        remote: #{GemIndex.url}/
        specs:
      #{gems.map { |platform| "    thruster (#{[Thruster::VERSION, *platform].join("-")})" }.join("\n")}

      PLATFORMS
      #{platforms.map { |platform| "  #{platform}" }.join("\n")}

      DEPENDENCIES
        thruster
    LOCK
  end

  def locked
    File.read("#{root}/Gemfile.lock")
  end

  # The program that the line starts; `bundle` and `gem` are those of this application.
  def run(line, env: {})
    @start.call(*@rubygems.words(line), env: @env.merge(env), directory: root).tap(&:await_end)
  end

  # The same where it has to succeed.
  def run!(line, **options)
    run(line, **options).tap { |program| raise "#{line} failed:\n#{program.said}" unless program.exit_status.zero? }
  end

  private

  def gem_home
    "#{root}/gems"
  end
end
