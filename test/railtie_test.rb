# frozen_string_literal: true

require "test_helper"

# What the gem does to a Rails application that loads it, and what it leaves alone.
class RailtieTest < ThrusterTest
  LIBRARY = File.expand_path("../lib", __dir__)
  BEHIND_THRUST = { "THRUSTER_X_SENDFILE" => "1" }.freeze

  # Boots an application that has chosen so in its configuration.
  BOOT = <<~'RUBY'
    require "rails"
    require "action_controller/railtie"
    require "thruster"
    class Application < Rails::Application
      config.root = Dir.pwd
      config.eager_load = false
      config.logger = Logger.new(nil)
      config.secret_key_base = "0" * 64
      eval ENV.fetch("CHOICE", "")
    end
    Application.initialize!
  RUBY

  def given_to(middleware, env)
    said_by("-e", "#{BOOT}p Application.middleware.find { |one| one == #{middleware} }.args.first", env: env).chomp
  end

  def said_by(*words, env: {})
    program = start(RbConfig.ruby, "-I", LIBRARY, *words, env: { "RAILS_ENV" => "production" }.merge(env), directory: scratch)
    assert_equal 0, program.exit_status, program.said
    program.out
  end

  def header(env = BEHIND_THRUST)
    given_to("Rack::Sendfile", env)
  end

  def log_tags(choice = "", env = BEHIND_THRUST)
    given_to("Rails::Rack::Logger", env.merge("CHOICE" => choice))
  end

  test "behind a thrust that sends files, Rails names them" do
    assert_equal '"X-Sendfile"', header
  end

  test "elsewhere nothing changes" do
    [{}, { "THRUSTER_X_SENDFILE" => "", "THRUSTER_CONTROL" => "/a" }].each { |env| assert_equal "nil", header(env), env }
  end

  test "what the application has chosen stays" do
    { "false" => "false", '"X-Accel-Redirect"' => '"X-Accel-Redirect"' }.each do |choice, header|
      chosen = { "CHOICE" => "config.action_dispatch.x_sendfile_header = #{choice}" }
      assert_equal header, header(BEHIND_THRUST.merge(chosen))
    end
  end

  test "it may choose as late as in an initializer" do
    FileUtils.mkdir_p("#{scratch}/config/initializers")
    File.write("#{scratch}/config/initializers/files.rb", "Rails.application.config.action_dispatch.x_sendfile_header = false")
    assert_equal "false", header
  end

  test "behind thrust, lines of the log have the id of their request where nobody said a word about tags" do
    [BEHIND_THRUST, { "THRUSTER_CONTROL" => "/a" }].each { |env| assert_equal "[:request_id]", log_tags("", env), env }
  end

  test "elsewhere, and on a laptop, they have none" do
    [{}, BEHIND_THRUST.merge("RAILS_ENV" => "development")].each { |env| assert_equal "nil", log_tags("", env), env }
  end

  test "tags that the application has chosen stay, and so does none" do
    ["[]", "[:host]"].each { |tags| assert_equal tags, log_tags("config.log_tags = #{tags}") }
  end

  test "JSON gets no tags before it" do
    json = "Class.new(Logger::Formatter) { def self.name; 'Json'; end }.new"
    assert_equal "nil", log_tags("config.logger.formatter = #{json}")
    assert_equal "nil", log_tags("config.lograge = Struct.new(:enabled).new(true)")
  end

  test "purges are written into Rails' log, unless that was chosen otherwise" do
    logger = "#{BOOT}p Thruster.logger && Thruster.logger.equal?(Rails.logger)"
    assert_equal "true\n", said_by("-e", logger)
    assert_equal "false\n", said_by("-e", logger, env: { "CHOICE" => "Thruster.logger = false" })
  end

  test "an application without Action Pack boots as well" do
    script = 'require "rails"; require "thruster"; Class.new(Rails::Application) { config.eager_load = false }; ' \
             "Rails.logger = Logger.new(nil); Rails.application.initialize!; p Rails.application.initialized?"
    assert_equal "true\n", said_by("-e", script, env: BEHIND_THRUST)
  end

  test "controllers have thruster_tags" do
    assert_equal "true\n", said_by("-e", "#{BOOT}p ActionController::Base.include?(Thruster::Tags)")
  end

  test "without Rails there is no Railtie" do
    assert_equal "nil\n", said_by("-r", "thruster", "-e", "p defined?(Thruster::Railtie)")
  end
end
