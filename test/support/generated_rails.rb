# frozen_string_literal: true

require "fileutils"
require "monitor"
require "tmpdir"
require_relative "packed_gem"

# An application as `rails new` makes it, with the packed gem in its bundle, apps/shop laid over it, and
# `bin/rails generate thruster:install` done in it. Made once for all tests, since that takes seconds; so each test has
# paths of its own in it.
module GeneratedRails
  SHOP = File.expand_path("../apps/shop", __dir__)
  MAKING = Monitor.new

  # No package of Debian's has what these would need, nor does any test.
  WITHOUT = %w[bundle git javascript bootsnap test spring listen].map { |part| "--skip-#{part}" }.freeze

  # Heroku sets the same.
  PRODUCTION = { "RAILS_ENV" => "production", "SECRET_KEY_BASE" => "0" * 64, "RAILS_LOG_TO_STDOUT" => "1",
                 "RAILS_SERVE_STATIC_FILES" => "1" }.freeze

  # As the guide has it.
  DEPLOY = "RAILS_ENV=production bin/rails db:prepare assets:precompile"

  class << self
    # Where it is. What could not be made is not tried again.
    def root
      MAKING.synchronize do
        raise @failure if @failure

        @root ||= make
      rescue RuntimeError => @failure
        raise
      end
    end

    # What commands in it need in their environment.
    def env
      root
      @env
    end

    # For a server.
    def production
      env.merge(PRODUCTION)
    end

    # The line that starts it, as the generator has written it, but for the one port that would be everybody's.
    def web(target_port = Thrust.free_port)
      File.read("#{root}/Procfile")[/^web: (.+)/, 1].sub("TARGET_PORT=3001", "TARGET_PORT=#{target_port}")
    end

    # It runs, started once.
    def thrust
      root
      MAKING.synchronize { @thrust ||= start }
    end

    private

    def make
      place = File.realpath(Dir.mktmpdir("thruster-generated"))
      Minitest.after_run { FileUtils.remove_entry(place) }
      @env = environment(place)
      run "gem", "install", "--local", "--no-document", PackedGem.path, directory: place
      run "rails", "new", "shop", *WITHOUT, directory: place
      fit_out "#{place}/shop"
      "#{place}/shop"
    end

    def environment(place)
      gems = "#{place}/gems"
      PackedGem::OUTSIDE_BUNDLER.merge(
        "GEM_HOME" => gems, "GEM_PATH" => [gems, *Gem.path].join(File::PATH_SEPARATOR), "HOME" => place,
        "PATH" => "#{gems}/bin:#{ENV.fetch("PATH")}", "TMPDIR" => place, "DATABASE_URL" => "sqlite3:db/shop.sqlite3"
      )
    end

    def fit_out(shop)
      FileUtils.cp_r "#{SHOP}/.", shop
      run "bundle", "install", "--local", directory: shop
      run "bin/rails", "generate", "thruster:install", directory: shop
      run "sh", "-c", DEPLOY, directory: shop, env: @env.merge(PRODUCTION.except("RAILS_ENV"))
    end

    # Runs a command to its end, and returns what it said.
    def run(*command, directory:, env: @env)
      program = Program.new(*command, env: env, directory: directory)
      raise "#{command.join(" ")} failed:\n#{program.said}" unless program.exit_status.zero?

      program.said
    ensure
      program&.stop
    end

    def start
      thrust = Thrust.new(within: ["sh", "-c", web, "sh"], env: production.merge("PORT" => "0"), directory: @root)
      Minitest.after_run { thrust.stop }
      thrust.await_output(/Listening on/).await_start
    end
  end
end
