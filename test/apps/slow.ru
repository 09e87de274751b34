# frozen_string_literal: true

# A page that takes until the test opens the gate, and says when it has begun.
run(lambda do |_env|
  $stdout.syswrite("the slow page has begun\n")
  File.read(ENV.fetch("GATE"))
  [200, { "content-type" => "text/plain" }, ["done"]]
end)
