# frozen_string_literal: true

require "rack"

# A small application that shows what a web server has to carry: pages, files, uploads, streams, sockets and failures.
# It needs nothing but Rack (2.2 or 3), and keeps nothing.
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
        "/error" => Failures.method(:error),
        "/crash" => Failures.method(:crash),
        "/up" => ->(_request) { [200, { "content-type" => "text/plain" }, ["OK\n"]] }
      },
      %w[POST PUT] => {
        "/upload" => Upload
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
