# frozen_string_literal: true

require "test_helper"
require "fileutils"

# The page that thruster:install puts into public/502.html.
class BadGatewayPageTest < ThrusterTest
  PAGE = File.expand_path("../lib/generators/thruster/templates/502.html.tt", __dir__)

  test "it asks again by itself, loads nothing, and suits a phone" do
    page = File.read(PAGE)
    assert_match(/<meta http-equiv="refresh" content="\d">/, page)
    assert_match(/<html lang="en">.*<meta name="viewport" content="width=device-width/m, page)
    assert_includes page, "prefers-color-scheme: dark"
    refute_match(/<script|<link|<img|\bsrc=|url\(|@import|https?:|<%/, page)
    assert_operator page.bytesize, :<, 3_000
  end

  # The second request is the page's own, and so is the one that finds the application.
  test "a browser that comes while the server boots gets the application as soon as it is there" do
    only_on_linux
    gate = Gate.new(scratch)
    FileUtils.mkdir_p "#{scratch}/public"
    FileUtils.cp PAGE, "#{scratch}/public/502.html"
    server = thrust("sh", "-c", "read _ <#{gate.path}; exec puma -C #{APPS}/puma.rb #{APPS}/echo.ru", directory: scratch).await_start
    browse "http://127.0.0.1:#{server.port}/page"
    server.await_output(%r{"path":"/page","status":502}, times: 2)
    gate.open
    assert server.await_output(%r{"path":"/page","status":200})
  end

  # Asked for what it would be debugged by, it stays. A sandbox is not to be had in a container.
  def browse(address)
    start("chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-proxy-server",
          "--user-data-dir=#{scratch}/profile", "--remote-debugging-port=0", address, env: { "HOME" => scratch })
  end
end
