# frozen_string_literal: true

require "test_helper"
require "fileutils"

# A browser that trusts the local CA, as `thrust --trust` has told it, loads pages over HTTP/2.
class ChromiumTest < ThrusterTest
  DEMO = File.expand_path("../demo", __dir__)

  def setup
    super
    only_on_linux
    FileUtils.mkdir_p("#{scratch}/home")
  end

  def settings
    { "TLS_LOCAL" => "1", "HTTPS_PORT" => "0", "STORAGE_PATH" => "#{scratch}/state" }
  end

  # Browsers alone are told: the tools for the system are none.
  def trust
    %w[install update-ca-certificates update-ca-trust].each do |name|
      FileUtils.mkdir_p("#{scratch}/bin")
      File.write("#{scratch}/bin/#{name}", "#!/bin/sh\nexit 1\n", perm: 0o755)
    end
    path = "#{scratch}/bin:#{ENV.fetch("PATH")}"
    program = thrust("--trust", env: settings.merge("HOME" => "#{scratch}/home", "PATH" => path))
    assert_equal 0, program.exit_status, program.said
  end

  # The page as it is when its scripts have run.
  def browse(server, host, path = "/")
    port = server.messages("Server started").first.fetch("https")[/\d+\z/]
    # A sandbox is not to be had in a container.
    browser = start("chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                    "--no-proxy-server", "--user-data-dir=#{scratch}/profile", "--dump-dom",
                    "https://#{host}:#{port}#{path}", env: { "HOME" => "#{scratch}/home" })
    browser.await_end
    browser
  end

  test "Chromium speaks HTTP/2 with every name of this machine" do
    trust
    server = thrust_puma("protocol", env: settings)
    %w[localhost shop.localhost 127.0.0.1].each do |host|
      page = browse(server, host)
      assert_includes page.out, "protocol: h2", "#{host}: #{page.err}"
    end
  end

  test "Chromium loads the demo over HTTP/2" do
    trust
    server = thrust("puma", "-C", "#{DEMO}/puma.rb", "#{DEMO}/config.ru", env: settings)
    server.await_output(/Listening on/)
    server.await_start
    page = browse(server, "localhost")
    assert_match(%r{<title>.+</title>}, page.out, page.err)
    loaded = server.await_requests(2)
    assert_equal ["HTTP/2.0"], loaded.map { |line| line["proto"] }.uniq
    assert_equal ["/", 200], loaded.first.values_at("path", "status")
  end

  test "Chromium that has not been told refuses" do
    server = thrust_puma("protocol", env: settings)
    page = browse(server, "localhost")
    refute_includes page.out, "protocol:"
    assert_includes page.err, "ERR_CERT_AUTHORITY_INVALID"
  end
end
