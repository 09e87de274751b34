# frozen_string_literal: true

require "fileutils"
require "tmpdir"

# thrust, Puma and apps/rails.ru in a directory of their own; started once, since Rails takes seconds
# to boot. So each test has files and paths of its own.
module RailsApp
  PRODUCTION = { "RAILS_ENV" => "production" }.freeze
  PUMA = ["puma", "-C", File.expand_path("../apps/puma.rb", __dir__), File.expand_path("../apps/rails.ru", __dir__)].freeze
  STARTING = Mutex.new

  class << self
    def root
      thrust && @root
    end

    def thrust
      STARTING.synchronize { @thrust ||= start }
    end

    private

    def start
      @root = File.realpath(Dir.mktmpdir("thruster-rails"))
      FileUtils.mkdir_p("#{@root}/public")
      thrust = Thrust.new(*PUMA, env: PRODUCTION, directory: @root)
      Minitest.after_run do
        thrust.stop
        FileUtils.remove_entry(@root)
      end
      thrust.await_output(/Listening on/).await_start
    end
  end
end
