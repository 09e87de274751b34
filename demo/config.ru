# frozen_string_literal: true

require_relative "app"

# Files are named to thrust, which sends them. Who starts Puma alone gets them from Puma.
use Rack::Sendfile, "X-Sendfile" if ENV["THRUSTER_X_SENDFILE"]

# The files in public/. An hour is long enough to see a cache at work.
files = File.join(__dir__, "public")
use Rack::Static,
  root: files,
  urls: Dir.children(files).map { |name| "/#{name}" },
  header_rules: [[:all, { "cache-control" => "public, max-age=3600" }]]

run Demo::App.new
