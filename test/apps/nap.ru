# frozen_string_literal: true

# An action that waits for a database, and answers with the port of whoever asked.
run(lambda do |env|
  sleep 0.05
  [200, { "content-type" => "text/plain" }, [env["puma.socket"].remote_address.ip_port.to_s]]
end)
