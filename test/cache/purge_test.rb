# frozen_string_literal: true

require "test_helper"
require "support/fake_control"
require "thruster"
require "uri"

# What the Ruby side asks of thrust, and what it makes of the answers.
class CachePurgeTest < ThrusterTest
  HELD = { memory: { entries: 1, bytes: 2, size: 3 }, disk: { entries: 0, bytes: 0, size: 0 },
           entries: [{ url: "http://a.test/", fresh: true, tags: ["gr\u00FCn"] }],
           not_cached: [{ url: "http://a.test/login", status: 200, reason: "set-cookie", age: 3 }] }.freeze

  NONSENSE = [
    {}, { url: nil }, { url: "/a", prefix: "/b" }, { tag: "a", tags: ["b"] }, { colour: "red" },
    { url: "posts/1" }, { url: "" }, { url: "ftp://a.test/" }, { url: "http://" }, { url: "/two words" }, { url: "/a\n" },
    { url: "/\xFF" }, { url: Object.new }, { prefix: "" }, { prefix: "a" },
    { tag: "" }, { tag: Object.new }, { tag: { post: 1 } }, { tag: "x" * 1_025 }
  ].freeze

  def cache(*answers)
    @control = FakeControl.new(scratch, *answers)
    @opened << @control
    Thruster::Cache.new(@control.path)
  end

  {
    ["/posts/1?page=2"] => { "url" => "/posts/1?page=2" },
    [{ url: "https://a.test/posts/1" }] => { "url" => "https://a.test/posts/1" },
    [URI("http://a.test")] => { "url" => "http://a.test" },
    [{ prefix: "/posts" }] => { "prefix" => "/posts" },
    [{ tag: "post-1" }] => { "tags" => ["post-1"] },
    [{ tag: %w[a b] }] => { "tags" => %w[a b] },
    [{ tags: ["a", :b, ["c", "a"], nil] }] => { "tags" => %w[a b c] },
    ["/posts/1", { soft: true }] => { "url" => "/posts/1", "soft" => true },
    [{ tag: "a", soft: true }] => { "tags" => ["a"], "soft" => true },
    [{ prefix: "/", soft: false }] => { "prefix" => "/" }
  }.each do |words, body|
    test "purge #{words.inspect} is #{body.inspect}" do
      words, options = words.partition { |word| !word.is_a?(Hash) }
      assert_equal 3, cache([200, { purged: 3 }]).purge(*words, **options.reduce({}, :merge))
      assert_equal [body], @control.bodies
    end
  end

  test "it is a request of HTTP/1.1 and the last of its connection" do
    cache.purge("/gr%C3%BCn")
    line, _, lines = @control.asked.first
    assert_equal "POST /purge HTTP/1.1", line
    assert_includes lines, "Connection: close"
    assert_includes lines, "Content-Type: application/json"
    assert_equal 1, lines.grep(/\AHost: ./).size
  end

  test "clear is everything" do
    cache([200, { purged: 12 }]).tap do |cache|
      assert_equal 12, cache.clear
      assert_equal 12, cache.clear(soft: true)
    end
    assert_equal [{ "all" => true }, { "all" => true, "soft" => true }], @control.bodies
  end

  test "any number of tags can be purged at once" do
    tags = Array.new(120) { |n| "#{n}-".ljust(Thruster::Cache::Tag::LONGEST, "x") }
    assert_equal 3, cache([200, { purged: 1 }]).purge(tags: tags)
    bodies = @control.bodies
    assert_equal tags, bodies.flat_map { |body| body["tags"] }
    bodies.each { |body| assert_operator JSON.generate(body).bytesize, :<=, 64 * 1024 }
  end

  test "of no record, nothing is purged, and nobody asked" do
    assert_equal 0, cache.purge(tag: [])
    assert_empty @control.asked
  end

  test "nonsense is an ArgumentError, also where there is no cache" do
    [cache, Thruster::Cache::None.new].each do |cache|
      NONSENSE.each { |words| assert_raises(ArgumentError, words.inspect) { cache.purge(**words) } }
      assert_raises(ArgumentError) { cache.purge("/a", url: "/a") }
      [-1, 10_001, "10", nil].each { |limit| assert_raises(ArgumentError) { cache.entries(limit: limit) } }
    end
    assert_empty @control.asked
  end

  test "what is held is told in Hashes with symbols" do
    cache = cache([200, HELD])
    assert_equal HELD.slice(:memory, :disk), cache.stats
    assert_equal HELD[:entries], cache.entries
    assert_equal HELD[:entries], cache.entries(limit: 10_000)
    assert_equal HELD[:not_cached], cache.not_cached
    lines = @control.asked.map(&:first)
    assert_equal ["GET /cache?limit=100 HTTP/1.1", "GET /cache?limit=10000 HTTP/1.1"], lines[1..2]
    assert_equal ["GET /cache?limit=0 HTTP/1.1"], [lines.first, lines.last].uniq
  end

  test "a long answer arrives whole" do
    entries = Array.new(10_000) { |n| { url: "http://a.test/#{n}" } }
    assert_equal entries, cache([200, { entries: entries }]).entries(limit: 10_000)
  end

  test "a refusal is an Error with thrust's words" do
    error = assert_raises(Thruster::Cache::Error) { cache([400, { error: "what is a colour?" }]).purge("/") }
    assert_includes error.message, "what is a colour?"
    refute_kind_of Thruster::Cache::Unavailable, error
  end

  test "threads may share it" do
    cache = cache([200, { purged: 1 }])
    threads = Array.new(10) { |n| Thread.new { Array.new(20) { |m| cache.purge("/#{n}/#{m}") }.sum } }
    assert_equal 200, threads.sum(&:value)
    urls = Array.new(200) { |n| "/#{n / 20}/#{n % 20}" }
    assert_equal urls.sort, @control.bodies.map { |body| body["url"] }.sort
  end

  test "it works in a process that was forked" do
    cache = cache([200, { purged: 1 }])
    cache.purge("/parent")
    child = fork { exit!(cache.purge("/child") == 1) }
    assert_predicate Process.wait2(child).last, :success?
    assert_equal 1, cache.purge("/parent")
    assert_equal %w[/parent /child /parent], @control.bodies.map { |body| body["url"] }
  end
end
