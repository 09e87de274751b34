# frozen_string_literal: true

require "test_helper"
require "logger"
require "stringio"
require "support/fake_control"
require "thruster"

# What purges leave in the application's log.
class CacheLogTest < ThrusterTest
  WRITTEN = {
    [{ tag: "post-1" }] => "INFO: Purged 3 answers from thrust (0.0ms): tag post-1",
    [{ tags: ["post-1", :posts] }] => "INFO: Purged 3 answers from thrust (0.0ms): tags post-1, posts",
    ["/posts/1"] => "INFO: Purged 3 answers from thrust (0.0ms): url /posts/1",
    ["/posts?page=2&token=s3cr3t"] => "INFO: Purged 3 answers from thrust (0.0ms): url /posts?page=...&token=...",
    [{ prefix: "/posts" }] => "INFO: Purged 3 answers from thrust (0.0ms): prefix /posts",
    [{ prefix: "/posts", soft: true }] => "INFO: Made 3 answers in thrust stale (0.0ms): prefix /posts",
    [{ tags: (1..12).map { |n| "post-#{n}" } }] =>
      "INFO: Purged 3 answers from thrust (0.0ms): tags #{(1..10).map { |n| "post-#{n}" }.join(", ")} and 2 more",
    [{ tags: [nil] }] => nil # there was nothing to purge
  }.freeze

  # Through the log's module, since Thruster.logger is everybody's.
  def written(level: Logger::DEBUG)
    lines = StringIO.new
    logger = Logger.new(lines, level: level, formatter: ->(severity, _, _, text) { "#{severity}: #{text}\n" })
    yield logger
    lines.string.gsub(/\d+\.\dms/, "0.0ms")
  end

  def cache(logger, control)
    Thruster::Cache.new(control.path).tap do |cache|
      cache.define_singleton_method(:logged) { |selection, &purge| Thruster::Cache::Log.purge(logger, selection, &purge) }
    end
  end

  def control(*answers)
    FakeControl.new(scratch, *answers).tap { |control| @opened << control }
  end

  WRITTEN.each do |words, line|
    test "purge #{words.inspect[0, 60]} is written as #{line.inspect[0, 60]}" do
      words, options = words.partition { |word| !word.is_a?(Hash) }
      found = written { |logger| cache(logger, control([200, { purged: 3 }])).purge(*words, **options.reduce({}, :merge)) }
      assert_equal line.to_s, found.chomp
    end
  end

  test "one answer is one, and everything is everything" do
    found = written { |logger| cache(logger, control([200, { purged: 1 }])).clear }
    assert_equal "INFO: Purged 1 answer from thrust (0.0ms): everything\n", found
  end

  test "many tags are several requests, and one line" do
    asked = control([200, { purged: 2 }])
    tags = (1..120).map { |n| "tag-#{n}" }
    assert_match(/\AINFO: Purged 6 answers .* and 110 more\n\z/, written { |logger| cache(logger, asked).purge(tags: tags) })
    assert_equal tags, asked.bodies.flat_map { |body| body.fetch("tags") }
  end

  test "a purge that fails is a warning, and an error as ever" do
    found = written do |logger|
      nobody = Struct.new(:path).new("#{scratch}/nobody")
      assert_raises(Thruster::Cache::Unavailable) { cache(logger, nobody).purge(tag: "post-1") }
    end
    assert_equal "WARN: Could not purge thrust: tag post-1 (no thrust listens at #{scratch}/nobody. " \
                 "Has it ended, or does it run elsewhere?)\n", found
  end

  test "without a logger a purge is as good" do
    assert_nil Thruster.logger
    assert_equal 3, cache(nil, control([200, { purged: 3 }])).purge("/")
    assert_raises(Thruster::Cache::Unavailable) { cache(nil, Struct.new(:path).new("#{scratch}/nobody")).purge("/") }
  end

  test "where there is no cache, nothing is written" do
    script = "Thruster.logger = Logger.new($stdout); Thruster.cache = nil; p Thruster.cache.clear"
    program = start(RbConfig.ruby, "-I", File.expand_path("../../lib", __dir__), "-r", "thruster", "-r", "logger", "-e", script)
    assert_equal [0, "0\n"], [program.exit_status, program.out], program.said
  end
end
