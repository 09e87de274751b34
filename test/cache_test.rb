# frozen_string_literal: true

require "test_helper"
require "open3"
require "thruster"

# The cache as an application has it: pages kept, purged from Ruby and from elsewhere, and looked into.
class CacheTest < ThrusterTest
  STALE_SERVED = "/posts/1?max-age=600&stale-while-revalidate=600"

  def thrust_cached(env: {})
    thrust_puma("cached", env: env, directory: scratch)
  end

  # The response, which is to come from there: "hit" or "miss".
  def assert_from(cache, puma, path, headers = {})
    response = puma.get(path, headers)
    assert_equal ["200", cache], [response.code, response["X-Cache"]], path
    response
  end

  # What is in the cache afterwards, under these paths.
  def fill(puma, *paths)
    paths.each do |path|
      missed = assert_from("miss", puma, path)
      assert_equal missed.body, assert_from("hit", puma, path).body
    end
  end

  # What Thruster.cache says within the application.
  def ask(puma, name, **words)
    response = puma.client.post("/ask", JSON.generate([name, words]))
    assert_equal "200", response.code, response.body
    JSON.parse(response.body, symbolize_names: true)
  end

  def assert_purges(count, gone:, kept:, **words)
    puma = thrust_cached
    fill(puma, *gone, *kept)
    assert_equal count, ask(puma, :purge, **words)
    kept.each { |path| assert_from("hit", puma, path) }
    fill(puma, *gone)
  end

  # curl at the control socket: the status, and what it says.
  def curl(socket, target, *words)
    out, status = Open3.capture2("curl", "-sS", "--unix-socket", socket, *words, "-w", "\n%{http_code}", "http://thrust#{target}")
    assert_predicate status, :success?
    *body, code = out.lines
    [code, JSON.parse(body.join)]
  end

  # Asks until the answer is as wanted. Each time is an exchange with thrust, so it does not spin.
  def await(event)
    deadline = Patience.deadline
    until (answer = yield)
      Patience.left(deadline, event)
    end
    answer
  end

  test "a target" do
    assert_purges 1, url: "/posts/1", gone: ["/posts/1"], kept: ["/posts/1?public&max-age=60", "/posts/10", "/posts/2"]
  end

  test "a target with its query" do
    assert_purges 1, url: "/posts/1?public&max-age=60", gone: ["/posts/1?public&max-age=60"], kept: ["/posts/1"]
  end

  test "a prefix" do
    assert_purges 3, prefix: "/posts/1", gone: ["/posts/1", "/posts/10", "/posts/1?max-age=60"], kept: ["/posts/2", "/notes/1"]
  end

  test "a tag" do
    assert_purges 1, tag: "post-1", gone: ["/posts/1"], kept: ["/posts/10", "/notes/1"]
    assert_purges 2, tag: "notes", gone: ["/notes/1", "/notes/2"], kept: ["/posts/1"]
  end

  test "any of some tags" do
    assert_purges 3, tags: %w[post-2 notes nothing], gone: ["/posts/2", "/notes/1", "/notes/2"], kept: ["/posts/1"]
  end

  test "one host, or all" do
    puma = thrust_cached
    hosts = %w[a.test b.test].map { |host| { "Host" => host } }
    hosts.each { |host| assert_from("miss", puma, "/posts/1", host) }
    assert_equal 1, ask(puma, :purge, url: "http://a.test/posts/1")
    assert_equal %w[miss hit], hosts.map { |host| puma.get("/posts/1", host)["X-Cache"] }
    assert_equal 2, ask(puma, :purge, url: "/posts/1")
    hosts.each { |host| assert_from("miss", puma, "/posts/1", host) }
  end

  test "everything" do
    puma = thrust_cached
    fill(puma, "/posts/1", "/notes/1")
    assert_equal 2, ask(puma, :clear)
    assert_equal 0, ask(puma, :clear)
    fill(puma, "/posts/1", "/notes/1")
  end

  test "softly, a page is refreshed when it is next asked for" do
    puma = thrust_cached
    fill(puma, "/posts/1", "/posts/2")
    assert_equal 1, ask(puma, :purge, tag: "post-1", soft: true)
    fresh = ask(puma, :entries).to_h { |entry| [entry[:url][%r{/posts/.*}], entry[:fresh]] }
    assert_equal({ "/posts/1" => false, "/posts/2" => true }, fresh)
    fill(puma, "/posts/1")
    assert_from("hit", puma, "/posts/2")
  end

  test "softly, a page may be served until it is refreshed" do
    puma = thrust_cached
    old = assert_from("miss", puma, STALE_SERVED).body
    assert_equal 1, ask(puma, :purge, prefix: "/posts", soft: true)
    assert_equal old, assert_from("hit", puma, STALE_SERVED).body
    await("the refreshed page") { puma.get(STALE_SERVED).body != old }
    assert_from("hit", puma, STALE_SERVED)
    assert_equal 2, puma.out.scan(/^made /).size
  end

  test "the workers of a cluster purge as well" do
    puma = thrust_cached(env: { "WEB_CONCURRENCY" => "2" })
    4.times do
      fill(puma, "/posts/1")
      assert_equal 1, ask(puma, :purge, tag: "post-1")
    end
  end

  test "another process purges through CONTROL_SOCKET" do
    socket = "#{scratch}/control.sock"
    puma = thrust_cached(env: { "CONTROL_SOCKET" => socket })
    fill(puma, "/posts/1")
    assert_equal 1, Thruster::Cache.new(socket).purge(tag: "post-1")
    fill(puma, "/posts/1")
    assert_equal ["200", { "purged" => 1 }], curl(socket, "/purge", "-d", '{"tag": "post-1"}')
    fill(puma, "/posts/1")
    assert_equal socket, puma.get("/control").body
  end

  test "what the control socket does not understand, it refuses with a reason" do
    socket = thrust_cached.get("/control").body
    ["{}", "purge", "[]", '{"colour": "red"}', '{"url": "posts"}', '{"url": "/", "tag": "a"}', '{"tag": 1}'].each do |body|
      status, answer = curl(socket, "/purge", "-d", body)
      assert_equal ["400", ["error"]], [status, answer.keys], body
      refute_empty answer["error"]
    end
    assert_equal "404", curl(socket, "/nothing").first
    assert_equal %w[405 405], [curl(socket, "/purge").first, curl(socket, "/cache", "-d", "{}").first]
  end

  test "the control socket is for its owner alone, and goes with thrust" do
    puma = thrust_cached
    socket = puma.get("/control").body
    assert_predicate File.stat(socket), :socket?
    assert_equal [0o600, 0o700], [socket, File.dirname(socket)].map { |path| File.stat(path).mode & 0o777 }
    puma.signal :TERM
    puma.await_end
    refute_path_exists File.dirname(socket)
    assert_raises(Thruster::Cache::Unavailable) { Thruster::Cache.new(socket).clear }
  end

  test "tags are not for clients" do
    puma = thrust_cached
    ["/posts/1", "/notes/1"].each do |path|
      2.times { assert_empty puma.get(path).to_hash.keys & %w[cache-tag surrogate-key] }
    end
  end

  test "what is held can be seen" do
    puma = thrust_cached(env: { "CACHE_SIZE" => "1MiB" })
    fill(puma, "/posts/1")
    entry = ask(puma, :entries, limit: 10).first
    assert_equal %w[post-1 posts], entry[:tags].sort
    assert_match(%r{\Ahttp://127\.0\.0\.1(:\d+)?/posts/1\z}, entry[:url])
    assert_equal [200, true, 1, "memory"], entry.values_at(:status, :fresh, :hits, :tier)
    assert_includes 590..600, entry[:ttl] + entry[:age]
    memory = ask(puma, :stats).fetch(:memory)
    assert_equal [1, 1_048_576], memory.values_at(:entries, :size)
    assert_operator memory[:bytes], :>=, entry[:size]
    assert_empty ask(puma, :entries, limit: 0)
  end

  test "why the rest is not held can be seen" do
    puma = thrust_cached
    paths = ["login", "posts/1?no-store", "posts/2?private", "control"]
    paths.each { |path| puma.get("/#{path}") }
    answers = ask(puma, :not_cached)
    assert_equal paths.reverse, answers.map { |answer| answer[:url].split("/", 4).last }
    assert_equal %w[private no-store set-cookie], answers.drop(1).map { |answer| answer[:reason] }
    answers.each { |answer| assert_equal [200, true], [answer[:status], answer[:age].between?(0, 60)] }
    assert_empty ask(puma, :entries)
  end

  # With page caching, the application sweeps a file, and that is all it does.
  def thrust_page
    Dir.mkdir("#{scratch}/public")
    puma = thrust_cached(env: { "PAGES" => "#{scratch}/public" })
    fill(puma, "/pages/home.html")
    [puma, "#{scratch}/public/home.html"]
  end

  test "a swept page is made anew at once" do
    puma, path = thrust_page
    old = File.read(path)
    File.delete(path)
    swept = assert_from("miss", puma, "/pages/home.html")
    assert_equal [swept.body, "text/html"], [File.read(path), swept["Content-Type"]]
    refute_equal old, swept.body
    assert_equal swept.body, assert_from("hit", puma, "/pages/home.html").body
  end

  test "a page that changed is served as it is now, at once" do
    puma, path = thrust_page
    ["longer than it was\n" * 10, "short", ""].each do |text|
      File.write("#{path}.new", text)
      File.rename("#{path}.new", path)
      assert_equal text, assert_from("miss", puma, "/pages/home.html").body
      assert_equal text, assert_from("hit", puma, "/pages/home.html").body
    end
  end

  # As at a deploy: the old thrust ends before the new one starts.
  def restart(puma, env)
    puma.signal :TERM
    puma.await_end
    thrust_cached(env: env)
  end

  def await_on_disk(puma, count)
    await("#{count} entries on disk") { ask(puma, :stats).dig(:disk, :entries) == count }
  end

  test "a deploy keeps what is on disk" do
    env = { "DISK_CACHE_SIZE" => "64MiB", "STORAGE_PATH" => "#{scratch}/storage", "HTTP_PORT" => Thrust.free_port.to_s }
    puma = thrust_cached(env: env)
    old = %w[/posts/1 /posts/2].to_h { |path| [path, assert_from("miss", puma, path).body] }
    puma = restart(puma, env)
    await_on_disk(puma, 2)
    old.each { |path, body| assert_equal body, assert_from("hit", puma, path).body }
    assert_equal 1, ask(puma, :purge, tag: "post-1")
    puma = restart(puma, env)
    await_on_disk(puma, 1)
    assert_equal old["/posts/2"], assert_from("hit", puma, "/posts/2").body
    assert_from("miss", puma, "/posts/1")
  end

  test "without a disk, a deploy begins anew" do
    env = { "STORAGE_PATH" => "#{scratch}/storage", "HTTP_PORT" => Thrust.free_port.to_s }
    puma = thrust_cached(env: env)
    fill(puma, "/posts/1")
    fill(restart(puma, env), "/posts/1")
    refute_path_exists "#{scratch}/storage/cache"
  end
end
