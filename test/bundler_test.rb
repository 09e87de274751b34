# frozen_string_literal: true

require "test_helper"
require "support/application"
require "thruster"
require "thruster/platform"

# Which of the five gems Bundler takes, here and elsewhere, and what thrust says where it took the wrong one: with Bundlers
# from before and after 2.6, of an index in a file.
class BundlerTest < ThrusterTest
  HERE = Thruster::Platform.local
  ELSEWHERE = (Thruster::Platform::SUPPORTED - [HERE]).last
  FROZEN = { "BUNDLE_FROZEN" => "1" }.freeze
  RUBY = nil # in the names of gems, nothing is the platform of all

  # A test for each Bundler there is.
  def self.each_bundler(sentence, &block)
    RubyGems.all.each do |rubygems|
      test "with Bundler #{rubygems.version}, #{sentence}" do
        instance_exec(Application.new("#{scratch}/app", rubygems: rubygems, start: method(:start)), &block)
      end
    end
  end

  # The line runs the executable that this gem carries.
  def assert_runs(application, gem = HERE, line: "bundle exec thrust hello")
    program = application.run(line)
    assert_equal ["the gem for #{gem}: hello\n", ""], [program.out, program.err]
  end

  # thrust explains itself with these words; what to type, it has on lines of its own, and typed, they help.
  def assert_cured(application, *parts, gem: HERE, typed_with: {})
    program = application.run("bundle exec thrust hello")
    assert_equal 1, program.exit_status
    assert_empty program.out
    parts.each { |part| assert_includes program.err, part }

    lines = program.err.scan(/^    (.+)$/).flatten
    refute_empty lines
    lines.each { |line| application.run!(line, env: typed_with) }
    assert_runs application, gem
  end

  each_bundler "the gem for this machine is installed, and runs under bundle exec and as bin/thrust" do |application|
    application.run! "bundle install"
    application.run! "bundle binstubs thruster"
    assert_includes application.locked, "thruster (#{Thruster::VERSION}-#{HERE})\n"
    assert_runs application
    assert_runs application, line: "bin/thrust hello"
  end

  each_bundler "a frozen Gemfile.lock with Linux and the platform of all takes the gem for Linux on Alpine" do |application|
    application.lock platforms: ["ruby", "x86_64-linux"], gems: [RUBY, "x86_64-linux"]
    application.move_to "x86_64-linux-musl"
    application.run! "bundle install", env: FROZEN
    assert_runs application, "x86_64-linux"
  end

  each_bundler "a Gemfile.lock with Linux alone does so once Alpine is added" do |application|
    application.lock platforms: ["x86_64-linux"], gems: ["x86_64-linux"]
    application.move_to "x86_64-linux-musl"
    application.run! "bundle lock --add-platform x86_64-linux-musl"
    application.run! "bundle install", env: FROZEN
    assert_runs application, "x86_64-linux"
  end

  each_bundler "a frozen Gemfile.lock of another machine is refused by Bundler, which says what to type" do |application|
    application.lock platforms: [ELSEWHERE], gems: [ELSEWHERE]
    refusal = application.run("bundle install", env: FROZEN)
    refute_equal 0, refusal.exit_status
    assert_includes refusal.said, "bundle lock --add-platform #{HERE}"

    application.run! "bundle lock --add-platform #{HERE}"
    application.run! "bundle install", env: FROZEN
    assert_runs application
  end

  each_bundler "a Gemfile.lock that lists another platform, and that of all, is cured as thrust says" do |application|
    application.lock platforms: [ELSEWHERE, "ruby"], gems: [ELSEWHERE, RUBY]
    application.run! "bundle install"
    assert_cured application, "ERROR: Gemfile.lock does not list #{HERE} under PLATFORMS, so Bundler took"
  end

  each_bundler "a Gemfile.lock that lists this platform, but no gem for it, is cured as thrust says" do |application|
    application.lock platforms: [HERE], gems: [RUBY]
    application.run! "bundle install", env: FROZEN
    assert_cured application, "ERROR: Gemfile.lock lists #{HERE}, but has no thruster for it"
  end

  each_bundler "the setting force_ruby_platform is cured as thrust says" do |application|
    application.run! "bundle config set --local force_ruby_platform true"
    application.run! "bundle install"
    forced = application.run("bundle exec thrust hello", env: { "BUNDLE_FORCE_RUBY_PLATFORM" => "true" })
    assert_includes forced.err, "    unset BUNDLE_FORCE_RUBY_PLATFORM\n"
    assert_cured application, "force_ruby_platform is on", "bundle config unset force_ruby_platform"
  end

  test "a Gemfile that asks for the source gem has it built, as thrust says" do
    application = Application.new("#{scratch}/app", rubygems: RubyGems.newest, start: method(:start))
    application.gemfile ", force_ruby_platform: true" # before 2.4, Bundler refuses that
    application.run! "bundle install"
    assert_cured application, "was not built", "bundle pristine thruster",
                 gem: "here", typed_with: { "BUILT_THRUST" => "here" }
  end
end
