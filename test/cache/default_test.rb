# frozen_string_literal: true

require "test_helper"
require "support/fake_control"
require "thruster"

# Which cache is the application's, and what it costs one that does not use it.
class CacheDefaultTest < ThrusterTest
  LIBRARY = File.expand_path("../../lib", __dir__)

  # What a process of its own prints, in which the gem is loaded and nothing else.
  def said_by(script, env: {}, before: "")
    program = start(RbConfig.ruby, "-W", "-I", LIBRARY, "-e", "#{before}; require 'thruster'; #{script}", env: env)
    assert_equal 0, program.exit_status, program.said
    assert_empty program.err
    program.out
  end

  test "thrust says where it is" do
    control = FakeControl.new(scratch, [200, { purged: 5 }])
    @opened << control
    env = { "THRUSTER_CONTROL" => control.path, "RAILS_ENV" => "test" }
    assert_equal "5", said_by("print Thruster.cache.purge('/')", env: env)
    assert_equal [{ "url" => "/" }], control.bodies
  end

  test "under test there is none, unless thrust says so" do
    [{ "RAILS_ENV" => "test" }, { "RACK_ENV" => "test" }, { "RAILS_ENV" => "test", "THRUSTER_CONTROL" => "" }].each do |env|
      assert_instance_of Thruster::Cache::None, Thruster::Cache.default(env), env.inspect
    end
    [{}, { "RAILS_ENV" => "production" }, { "RAILS_ENV" => "test", "THRUSTER_CONTROL" => "/a" }].each do |env|
      assert_instance_of Thruster::Cache, Thruster::Cache.default(env), env.inspect
    end
  end

  test "one that does nothing has nothing" do
    cache = Thruster::Cache::None.new
    assert_equal [0, 0, 0], [cache.purge("/"), cache.purge(tags: %w[a b], soft: true), cache.clear]
    assert_equal [[], []], [cache.entries, cache.not_cached]
    tier = { entries: 0, bytes: 0, size: 0 }
    assert_equal({ memory: tier, disk: tier }, cache.stats)
  end

  test "the application chooses another, or none, or what it had" do
    script = "Thruster.cache = nil; p Thruster.cache.clear; " \
             "Thruster.cache = other = Thruster::Cache.new('/a'); p Thruster.cache.equal?(other)"
    assert_equal "0\ntrue\n", said_by(script)
  end

  test "it stays the same object, so that a test may put expectations on it" do
    assert_equal "true\n", said_by("p Thruster.cache.equal?(Thruster.cache)")
  end

  test "nothing is loaded before it is used" do
    loaded = 'puts $LOADED_FEATURES.grep(%r{socket|json|thruster/}).map { |path| File.basename(path) }'
    assert_equal "version.rb\n", said_by(loaded)
    assert_equal %w[cache.rb none.rb version.rb], said_by("Thruster.cache = nil; #{loaded}").split.sort
  end
end
