# frozen_string_literal: true

# An application that is loading until the test opens the gate.
$stdout.syswrite("the application is loading\n")
File.read(ENV.fetch("GATE"))

run ->(_env) { [200, { "content-type" => "text/plain" }, ["loaded"]] }
