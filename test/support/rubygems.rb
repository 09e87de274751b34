# frozen_string_literal: true

# RubyGems and Bundler as the tests run them: those of this machine and, where these are older than 2.6, the newer ones
# that bin/setup has put below target/. From 2.6 on Bundler locks and chooses otherwise.
class RubyGems
  NEWER = File.expand_path("../../target/rubygems", __dir__)
  MODERN = Gem::Version.new("2.6")

  class << self
    def all
      @all ||= here.modern? ? [here] : [here, newer]
    end

    def newest
      all.last
    end

    private

    def here
      @here ||= new(Gem::Specification.find_by_name("bundler").version, { "bundle" => ["bundle"], "gem" => ["gem"] }, {})
    end

    def newer
      bundler = Dir["#{NEWER}/gems/bundler-*"].first
      abort "Newer RubyGems are missing. Type: bin/setup tests" unless bundler
      commands = { "bundle" => ["ruby", "#{bundler}/exe/bundle"], "gem" => ["ruby", "#{NEWER}/bin/gem"] }
      new(bundler[/[\d.]+\z/], commands, { "RUBYLIB" => "#{NEWER}/lib:#{bundler}/lib" })
    end
  end

  # `environment` is what every Ruby needs that is to load these.
  attr_reader :version, :environment

  def initialize(version, commands, environment)
    @version = Gem::Version.new(version)
    @commands = commands
    @environment = environment
  end

  def modern?
    version >= MODERN
  end

  # "bundle install" as the words that run it; other commands stay as they are.
  def words(line)
    first, *rest = line.is_a?(Array) ? line : line.split
    [*@commands.fetch(first, [first]), *rest]
  end
end
