# frozen_string_literal: true

require "test_helper"
require "support/rails_app"
require "time"
require "zlib"

# A Rails application behind thrust, which has configured nothing: the Railtie has.
class RailsTest < ThrusterTest
  TEXT = (1..5_000).map { |number| "line #{number}\n" }.join.freeze

  def rails
    RailsApp.thrust
  end

  # A file of the application: its path.
  def write(name, text = TEXT, root: RailsApp.root)
    "#{root}/#{name}".tap do |path|
      FileUtils.mkdir_p(File.dirname(path))
      File.binwrite(path, text)
    end
  end

  # The response. `by` is who sent the body if the application was asked: thrust, out of this file, or Ruby.
  def get(target, headers = {}, by: nil, status: 200)
    response = rails.get(target, headers)
    assert_equal status.to_s, response.code, response.body
    assert_sent("GET", target, by) if by
    response
  end

  def assert_cached(result, target, headers = {}, **expected)
    get(target, headers, **expected).tap { |response| assert_equal result, response["X-Cache"], "#{target}: #{response["Cache-Status"]}" }
  end

  def assert_sent(verb, target, by, times: 1, from: rails)
    from.await_output(/^sent #{verb} #{Regexp.escape(target)} by #{Regexp.escape(by)}$/, times: times)
  end

  # How often the application had a part in it.
  def asked(target)
    rails.out.scan(/^sent [A-Z]+ #{Regexp.escape(target)} by /).size
  end

  test "send_file" do
    path = write("files/whole.pdf")
    whole = get("/download/whole", by: path)
    assert_equal [TEXT, TEXT.bytesize.to_s], [whole.body, whole["Content-Length"]]
    assert_equal %w[application/pdf private], [whole["Content-Type"], whole["Cache-Control"]]
    assert_match(/\Aattachment; filename="whole\.pdf"/, whole["Content-Disposition"])
    assert_equal File.mtime(path).httpdate, whole["Last-Modified"]
    assert_match(/\A"[^"]+"\z/, whole["ETag"])
    refute whole.key?("X-Sendfile")
  end

  test "send_file, in part" do
    path = write("files/part.pdf")
    { "bytes=0-0" => TEXT[0], "bytes=100-299" => TEXT[100..299], "bytes=-7" => TEXT[-7..] }.each do |range, part|
      response = get("/download/part", { "Range" => range }, status: 206)
      assert_equal [part, part.bytesize.to_s], [response.body, response["Content-Length"]], range
      assert_match(%r{\Abytes \d+-\d+/#{TEXT.bytesize}\z}, response["Content-Range"])
    end
    beyond = get("/download/part", { "Range" => "bytes=#{TEXT.bytesize}-" }, status: 416)
    assert_equal "bytes */#{TEXT.bytesize}", beyond["Content-Range"]
    assert_sent("GET", "/download/part", path, times: 4)
  end

  test "send_file, on conditions" do
    path = write("files/condition.pdf")
    tag = get("/download/condition")["ETag"]
    [{ "If-None-Match" => tag }, { "If-Modified-Since" => File.mtime(path).httpdate }].each do |condition|
      assert_nil get("/download/condition", condition, status: 304).body, condition
    end
    get("/download/condition", { "If-Match" => '"another"' }, status: 412)
    part = { "Range" => "bytes=0-9", "If-Range" => tag }
    assert_equal TEXT[0..9], get("/download/condition", part, status: 206).body
    write("files/condition.pdf", "another\n")
    assert_equal "another\n", get("/download/condition", part).body
  end

  # Rack::Head takes the body, and with it the name of the file, before Rack::Sendfile sees it.
  test "HEAD of send_file" do
    write("files/head.pdf")
    response = rails.client.head("/download/head")
    assert_equal ["200", "application/pdf", nil], [response.code, response["Content-Type"], response.body]
    assert_sent("HEAD", "/download/head", "Ruby")
  end

  test "what is in public/ is kept, for all methods and parts" do
    path = write("public/assets/kept.js")
    missed = assert_cached("miss", "/assets/kept.js", by: path)
    assert_equal ["public, max-age=60", TEXT], [missed["Cache-Control"], missed.body]
    hit = assert_cached("hit", "/assets/kept.js")
    assert_equal [TEXT, missed["ETag"], missed["Content-Type"]], [hit.body, hit["ETag"], hit["Content-Type"]]
    assert_equal TEXT[5..9], assert_cached("hit", "/assets/kept.js", { "Range" => "bytes=5-9" }, status: 206).body
    assert_cached("hit", "/assets/kept.js", { "If-None-Match" => missed["ETag"] }, status: 304)
    head = rails.client.head("/assets/kept.js")
    assert_equal ["hit", TEXT.bytesize.to_s], [head["X-Cache"], head["Content-Length"]]
    assert_equal 1, asked("/assets/kept.js")
  end

  # Rack reads a part by itself. Whoever asks for the next one is served by thrust.
  test "a part of what is in public/, before it is kept" do
    path = write("public/assets/part.js")
    part = { "Range" => "bytes=5-9" }
    assert_equal TEXT[5..9], get("/assets/part.js", part, by: "Ruby", status: 206).body
    assert_sent("GET", "/assets/part.js", path)
  end

  test "a .gz beside the file is sent as it is" do
    path = write("public/assets/zipped.css")
    zipped = Zlib.gzip(TEXT)
    write("public/assets/zipped.css.gz", zipped)
    %w[miss hit].each do |result|
      gzip = assert_cached(result, "/assets/zipped.css", { "Accept-Encoding" => "gzip" }, by: "#{path}.gz")
      assert_equal [zipped, "gzip", "text/css"], [gzip.body, gzip["Content-Encoding"], gzip["Content-Type"]]
      plain = assert_cached(result, "/assets/zipped.css", by: path)
      assert_equal [TEXT, nil, "text/css"], [plain.body, plain["Content-Encoding"], plain["Content-Type"]]
      assert_equal %w[Accept-Encoding Accept-Encoding], [gzip["Vary"], plain["Vary"]]
    end
    assert_equal 2, asked("/assets/zipped.css")
  end

  test "a cached page is sent from its file until it is swept" do
    page = "#{RailsApp.root}/public/page.html"
    2.times do
      made = assert_cached("miss", "/page").body
      assert_equal made, assert_cached("miss", "/page", by: page).body
      assert_equal made, assert_cached("hit", "/page").body
      File.delete(page)
    end
    assert_equal 4, asked("/page")
  end

  # A blob of Active Storage: the file, and both ways to it.
  def store(text)
    JSON.parse(rails.client.post("/store", text).body).values_at("file", "redirect", "proxy")
  end

  test "Active Storage's disk service" do
    file, redirect, = store(TEXT)
    target = URI(get(redirect, status: 302)["Location"]).request_uri
    whole = get(target, by: file)
    assert_equal [TEXT, "video/mp4"], [whole.body, whole["Content-Type"]]
    get(target, { "If-None-Match" => whole["ETag"] }, status: 304)
    part = get(target, { "Range" => "bytes=5-9" }, by: "Ruby", status: 206)
    assert_equal [TEXT[5..9], "bytes 5-9/#{TEXT.bytesize}"], [part.body, part["Content-Range"]]
  end

  test "Active Storage's proxy mode" do
    target = store(TEXT).last
    assert_equal TEXT, assert_cached("miss", target, by: "Ruby").body
    assert_equal TEXT, assert_cached("hit", target).body
    assert_equal TEXT[5..9], assert_cached("hit", target, { "Range" => "bytes=5-9" }, status: 206).body
    assert_equal 1, asked(target)
  end

  test "a record that changes takes its pages along, and no others" do
    %w[miss hit].each do |result|
      assert_equal "first, second", assert_cached(result, "/posts").body
      assert_equal "first", assert_cached(result, "/posts/1").body
      assert_equal "second", assert_cached(result, "/posts/2").body
    end
    refute get("/posts/1").key?("Cache-Tag")
    assert_equal "204", rails.client.post("/posts/1/rename?title=third", "").code
    assert_equal "third, second", assert_cached("miss", "/posts").body
    assert_equal "third", assert_cached("miss", "/posts/1").body
    assert_cached("hit", "/posts/2")
  end

  test "with X_SENDFILE_ENABLED=off, Rails sends files itself" do
    write("files/off.pdf", root: scratch)
    env = RailsApp::PRODUCTION.merge("X_SENDFILE_ENABLED" => "off")
    puma = thrust(*RailsApp::PUMA, env: env, directory: scratch).await_output(/Listening on/)
    assert_equal TEXT, puma.get("/download/off").body
    assert_sent("GET", "/download/off", "Ruby", from: puma)
  end

  test "without thrust, Rails sends files itself, whatever a request says" do
    write("files/alone.pdf", root: scratch)
    port = Thrust.free_port
    puma = start(*RailsApp::PUMA, env: RailsApp::PRODUCTION.merge("PORT" => port.to_s), directory: scratch)
    puma.await_output(/Listening on/)
    response = Client.new(port).get("/download/alone", "X-Sendfile-Type" => "X-Sendfile")
    assert_equal [TEXT, nil], [response.body, response["X-Sendfile"]]
  end
end
