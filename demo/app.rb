# frozen_string_literal: true

require "rack"
require_relative "../lib/thruster"

# A small application that shows what a web server has to carry: pages, files, uploads, streams, sockets and failures.
# It needs nothing but Rack (2.2 or 3) and the gem's own lib, and keeps nothing but two files, in tmp.
module Demo
end

require_relative "app/page"
require_relative "app/home"
require_relative "app/upload"
require_relative "app/download"
require_relative "app/echo"
require_relative "app/clock"
require_relative "app/slow"
require_relative "app/failures"
require_relative "app/headers"
require_relative "app/cached"
require_relative "app/files"
require_relative "app/cache"

module Demo
  # The router: which methods a path takes, and who answers. Whoever answers takes a Rack::Request and returns a Rack
  # response.
  class App
    ROUTES = {
      %w[GET HEAD] => {
        "/" => Home,
        "/download" => Download,
        "/echo" => Echo,
        "/clock" => Clock,
        "/slow" => Slow,
        "/headers" => Headers,
        "/cache" => Cache.method(:page),
        "/cache/held" => Cache.method(:held),
        "/cached/day" => Cached.made(cache_control: "public, max-age=86400"),
        "/cached/news" => Cached.made("news", cache_control: "public, max-age=10"),
        "/cached/stale" => Cached.made("news", cache_control: "public, max-age=5, stale-while-revalidate=600"),
        "/cached/slow" => Cached.made(seconds: 2, cache_control: "public, max-age=5"),
        "/cached/private" => Cached.made(cache_control: "private, max-age=60"),
        "/cached/cookie" => Cached.made(cache_control: "max-age=60", set_cookie: "seen=1"),
        "/cached/silent" => Cached.made,
        "/cached/page.html" => Files.page,
        "/cached/noise.bin" => Files.noise,
        "/error" => Failures.method(:error),
        "/crash" => Failures.method(:crash),
        "/up" => ->(_request) { [200, { "content-type" => "text/plain" }, ["OK\n"]] }
      },
      %w[POST PUT] => {
        "/upload" => Upload
      },
      %w[POST] => {
        "/cache/purge" => Cache.method(:purge)
      }
    }.freeze

    def call(env)
      request = Rack::Request.new(env)
      path = request.path_info

      methods, pages = ROUTES.find { |_methods, pages| pages.key?(path) }
      return Failures.not_found(request) unless pages
      return Failures.method_not_allowed(request, methods) unless methods.include?(request.request_method)

      pages[path].call(request)
    end
  end
end
