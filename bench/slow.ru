# frozen_string_literal: true

# An action that waits for a database.
run lambda { |_env|
  sleep 0.05
  [200, { "content-type" => "text/plain", "content-length" => "5" }, ["done\n"]]
}
