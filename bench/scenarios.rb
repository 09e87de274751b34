# frozen_string_literal: true

# All scenarios by the names they are called by, in the order they are run and printed in. `boot` is first: a start
# includes the fork of this process, which takes longer the more memory it has used.

Dir[File.join(__dir__, "scenarios/*.rb")].each { require_relative _1 }

module Bench
  SCENARIOS = {
    "boot" => Boot, "proxy" => Proxy, "connections" => Connections, "log" => Log, "compression" => Compression,
    "cache" => Cache, "http2" => Http2, "handshakes" => TlsHandshakes, "files" => Files, "upload" => Upload,
    "websocket" => Websocket, "events" => ServerSentEvents, "idle" => Idle, "fairness" => Fairness,
    "cache-size" => CacheSize, "waits" => Waits
  }.freeze
end
