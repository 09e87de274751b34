# frozen_string_literal: true

require "json"
require_relative "../../lib/thruster"

# Pages that may be cached, and the application's ways to purge them. No two answers have the same body.

made = Queue.new
fresh = lambda do |env|
  made << nil
  "#{env["PATH_INFO"]} #{Process.pid}-#{made.size}\n".tap { |body| $stdout.syswrite("made #{body}") }
end

# The headers of a response, tagged as a controller does it.
class Headers < Hash
  include Thruster::Tags

  def headers
    self
  end

  def tag(*names)
    thruster_tags(*names)
    {}.merge(self)
  end
end

# /posts/1 has the tags post-1 and posts; the query says how it may be cached.
posts = lambda do |env|
  control = env["QUERY_STRING"].empty? ? "public, max-age=600" : env["QUERY_STRING"].tr("&", ",")
  headers = Headers["content-type", "text/plain", "cache-control", control]
  [200, headers.tag("post-#{File.basename(env["PATH_INFO"])}", "posts"), [fresh.call(env)]]
end

# The same with the other header for tags.
notes = lambda do |env|
  headers = { "content-type" => "text/plain", "cache-control" => "public, max-age=600",
              "surrogate-key" => "note-#{File.basename(env["PATH_INFO"])} notes" }
  [200, headers, [fresh.call(env)]]
end

# Page caching: the first request writes the file, and the file is the answer until somebody sweeps it.
files = lambda do |env|
  folder = ENV.fetch("PAGES")
  path = File.join(folder, env["PATH_INFO"])
  File.write(path, fresh.call(env)) unless File.exist?(path)
  Rack::Files.new(folder, { "cache-control" => "public, max-age=600" }).call(env)
end

# A method of Thruster.cache and its words: ["purge", {"tag": "posts"}] and so on.
ask = lambda do |env|
  name, words = JSON.parse(env["rack.input"].read, symbolize_names: true)
  [200, { "content-type" => "application/json" }, [JSON.generate(Thruster.cache.public_send(name, **words.to_h))]]
end

login = lambda do |_env|
  [200, { "content-type" => "text/plain", "cache-control" => "max-age=600", "set-cookie" => "a=1" }, ["hello"]]
end

use Rack::Sendfile, ENV["THRUSTER_X_SENDFILE"] && "X-Sendfile"

map("/posts") { run posts }
map("/notes") { run notes }
map("/pages") { run files }
map("/login") { run login }
map("/ask") { run ask }
map("/control") { run ->(_env) { [200, { "content-type" => "text/plain" }, [ENV.fetch("THRUSTER_CONTROL")]] } }
