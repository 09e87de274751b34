# frozen_string_literal: true

require "test_helper"
require "securerandom"
require "support/generated_rails"
require "zlib"

# A whole Rails application, made as its users make theirs, behind thrust as its Procfile starts it.
class GeneratedRailsTest < ThrusterTest
  YEAR = "public, max-age=31536000"

  def rails
    GeneratedRails.thrust
  end

  # What Puma answers to somebody who gets past thrust.
  def puma
    Client.new(Integer(rails.out[/Listening on http:\S+:(\d+)/, 1]))
  end

  def get(target, headers = {}, from: rails, status: 200)
    from.get(target, headers).tap { |response| assert_equal status.to_s, response.code, response.body }
  end

  # thrust in the application's folder with its public/, and no Rails that could be asked.
  def public_alone
    thrust_alone(env: { "STATIC_PATH" => "./public" }, directory: GeneratedRails.root)
  end

  def stylesheet
    get("/documents/new").body[%r{/assets/application-\h{64}\.css}] or flunk "no stylesheet in the page"
  end

  # The id of a new document, sent as a browser sends the form.
  def upload(bytes, name: "film.mp4", type: "video/mp4")
    form = get("/documents/new")
    boundary = SecureRandom.hex
    parts = { 'name="authenticity_token"' => form.body[/name="authenticity_token" value="([^"]+)"/, 1],
              "name=\"document[file]\"; filename=\"#{name}\"\r\nContent-Type: #{type}" => bytes }
    body = parts.map { |head, content| "--#{boundary}\r\nContent-Disposition: form-data; #{head}\r\n\r\n#{content}\r\n".b }
    sent = rails.client.post("/documents", "#{body.join}--#{boundary}--\r\n",
                             "Content-Type" => "multipart/form-data; boundary=#{boundary}",
                             "Cookie" => form["Set-Cookie"][/\A[^;]+/], "Origin" => "http://127.0.0.1:#{rails.port}")
    assert_equal "302", sent.code, sent.body
    assert_match(%r{\Ahttp://127\.0\.0\.1:#{rails.port}/documents/\d+\z}, sent["Location"])
    sent["Location"][/\d+\z/]
  end

  # Where the file of a document is, by the links on its page.
  def file_of(id, mode)
    get("/documents/#{id}").body[/href="([^"]+)">#{mode}</, 1]
  end

  test "an asset is kept for a year, and comes as the file beside it or compressed by thrust" do
    target = stylesheet
    file = File.binread("#{GeneratedRails.root}/public#{target}")
    %w[miss hit].each do |result|
      plain = get(target)
      assert_equal [result, YEAR, "text/css"], [plain["X-Cache"], plain["Cache-Control"], plain["Content-Type"]]
      assert_equal file, plain.body
    end
    zipped = get(target, { "Accept-Encoding" => "gzip" })
    assert_equal ["gzip", file], [zipped["Content-Encoding"], Zlib.gunzip(zipped.body)]
  end

  test "with STATIC_PATH an asset needs no Rails" do
    target = stylesheet
    path = "#{GeneratedRails.root}/public#{target}"
    alone = public_alone
    plain = get(target, from: alone)
    assert_equal ["#{YEAR}, immutable", File.binread(path)], [plain["Cache-Control"], plain.body]
    zipped = get(target, { "Accept-Encoding" => "gzip" }, from: alone)
    assert_equal ["gzip", File.binread("#{path}.gz")], [zipped["Content-Encoding"], zipped.body]
  end

  test "Active Storage: an upload by a form, and the way back by a redirect" do
    film = SecureRandom.bytes(300_000)
    link = file_of(upload(film), "redirect")
    target = URI(get(link, status: 302)["Location"]).request_uri
    whole = get(target)
    assert_equal [film, "video/mp4"], [whole.body, whole["Content-Type"]]
    part = get(target, { "Range" => "bytes=100-199" }, status: 206)
    assert_equal [film[100..199], "bytes 100-199/300000"], [part.body, part["Content-Range"]]
    assert_empty puma.get(target).body, "Puma sent it"
  end

  test "Active Storage: the way back by the proxy mode, in parts out of the cache" do
    film = SecureRandom.bytes(300_000)
    target = file_of(upload(film), "proxy")
    assert_equal ["miss", film], get(target).then { |whole| [whole["X-Cache"], whole.body] }
    part = get(target, { "Range" => "bytes=100-199" }, status: 206)
    assert_equal ["hit", film[100..199]], [part["X-Cache"], part.body]
  end

  test "send_file: Puma names the file, thrust sends it" do
    report = "#{GeneratedRails.root}/storage/report.pdf"
    File.binwrite(report, text = SecureRandom.bytes(200_000))
    named = puma.get("/documents/report")
    assert_equal [report, ""], [named["X-Sendfile"], named.body]
    whole = get("/documents/report")
    assert_equal [text, "application/pdf", nil], [whole.body, whole["Content-Type"], whole["X-Sendfile"]]
    assert_equal text[5..9], get("/documents/report", { "Range" => "bytes=5-9" }, status: 206).body
  end

  # caches_page writes the file after the first answer.
  test "page caching: a page is made once, sent from its file, and made again when it has been swept" do
    first = get("/pages/swept").body
    2.times { assert_equal first, get("/pages/swept").body }
    assert_equal first, File.read("#{GeneratedRails.root}/public/pages/swept.html")
    assert_equal "204", rails.client.post("/pages/swept/sweep", "").code
    refute_equal first, get("/pages/swept").body
  end

  test "page caching: with STATIC_PATH a page needs no Rails until it is swept" do
    page = get("/pages/static").body
    alone = public_alone
    assert_equal [page, "public, no-cache"], get("/pages/static", from: alone).then { |sent| [sent.body, sent["Cache-Control"]] }
    assert_equal "204", rails.client.post("/pages/static/sweep", "").code
    get("/pages/static", from: alone, status: 502)
  end

  test "a purge is a line of the log, with the id of its request" do
    id = upload("short")
    %w[miss hit].each { |result| assert_equal result, get("/documents/#{id}")["X-Cache"] }
    request = SecureRandom.uuid
    rails.client.post("/documents/#{id}/rename?title=x", "", "X-Request-Id" => request)
    rails.await_output(/\[#{request}\] Purged 1 answer from thrust \(\d+\.\dms\): tag document-#{id}$/)
    assert_equal "miss", get("/documents/#{id}")["X-Cache"]
  end

  test "a line of Rails' log has the id of the line of thrust's" do
    id = get("/documents/new?sought")["X-Request-Id"]
    rails.await_output(/^\{.*"query":"sought".*"request_id":"#{id}"/)
    rails.await_output(%r{\[#{id}\] Started GET "/documents/new\?sought"})
  end

  test "while Rails is not there, thrust sends the generator's page" do
    away = thrust_alone(directory: GeneratedRails.root).get("/", "Accept" => "text/html")
    assert_equal ["502", File.read("#{GeneratedRails.root}/public/502.html")], [away.code, away.body.force_encoding("UTF-8")]
  end

  # The shell that ran the line may still be there, and its exit status would prove nothing.
  test "TERM ends all that the Procfile's line has started" do
    env = GeneratedRails.production.merge("PORT" => "0", "PIDFILE" => "#{scratch}/pid")
    server = thrust(within: ["sh", "-c", GeneratedRails.web, "sh"], env: env, directory: GeneratedRails.root)
    port = server.await_output(/Listening on/).await_start.port
    get("/documents/new", from: server)
    Process.kill :TERM, Integer(`ps -o ppid= -p #{server.puma_pid}`)
    assert_equal 143, server.exit_status
    assert_raises(Errno::ECONNREFUSED) { TCPSocket.new("127.0.0.1", port) }
  end

  test "bin/thrust of the generator starts thrust" do
    program = start("bin/thrust", "--version", env: GeneratedRails.env, directory: GeneratedRails.root)
    assert_equal [0, PackedGem.spec.version.to_s], [program.exit_status, program.out[/[\d.]+/]], program.said
  end
end
