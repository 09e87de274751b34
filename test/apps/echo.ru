# frozen_string_literal: true

require "json"

# Answers with the request as the application sees it.
run(lambda do |env|
  body = String.new(env["rack.input"].read, encoding: "UTF-8")
  headers = env.select { |name, _| name.start_with?("HTTP_", "CONTENT_") }
  seen = { "method" => env["REQUEST_METHOD"], "uri" => env["REQUEST_URI"], "query" => env["QUERY_STRING"],
           "scheme" => env["rack.url_scheme"], "headers" => headers, "body" => body }
  json = JSON.generate(seen)
  [200, { "content-type" => "application/json", "content-length" => json.bytesize.to_s }, [json]]
end)
