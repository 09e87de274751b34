# frozen_string_literal: true

# Responses that a front can easily spoil.

hinting = lambda do |env|
  env["rack.early_hints"].call("link" => "</style.css>; rel=preload; as=style")
  [200, { "content-type" => "text/plain", "content-length" => "4" }, ["done"]]
end

names = {
  "content-type" => "text/plain", "content-length" => "2", "set-cookie" => "a=1; path=/\nb=2; HttpOnly",
  "x-name" => "Zo\u00EB", "x-empty" => "", "x-long" => "l" * 30_000
}

map("/hints") { run hinting }
map("/headers") { run ->(_env) { [200, names.dup, ["hi"]] } }
map("/no-content") { run ->(_env) { [204, {}, []] } }
map("/not-modified") { run ->(_env) { [304, { "etag" => '"v1"' }, []] } }
map("/odd-status") { run ->(_env) { [299, { "content-type" => "text/plain", "content-length" => "3" }, ["odd"]] } }
map("/broken") { run ->(_env) { raise "on purpose" } }
