# frozen_string_literal: true

# Everything that can stand before an origin: thrust, nginx, and whatever --peer names. Each listens on a loopback
# port of its own, does the same work (same headers added, same log line), and is started by `start`.

require_relative "fronts/thrust"
require_relative "fronts/nginx"
require_relative "fronts/nginx_accel"
require_relative "fronts/nginx_cache"
require_relative "fronts/nginx_gzip"
require_relative "fronts/nginx_static"
require_relative "fronts/nginx_tls"
require_relative "fronts/caddy"
require_relative "fronts/peer"

module Bench
  module Fronts
    # thrust first: the others are what it is compared with. `settings` is for it and its peers.
    def self.start(lab, options, target:, nginx: Nginx, settings: {})
      thrust, theirs, *peers = all(options, nginx: nginx)
      [thrust.start(lab, options, target: target, settings: settings), theirs.start(lab, options, target: target),
       *peers.map { _1.start(lab, options, target: target, settings: settings) }]
    end

    def self.all(options, nginx: Nginx)
      [Thrust, nginx, *options.peers.map { |name, command| Peer.new(name, command) }]
    end
  end
end
