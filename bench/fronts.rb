# frozen_string_literal: true

# Everything that can stand before an origin: thrust, its rivals, and whatever --peer names. Each listens on a loopback
# port of its own, does the same work (same headers added, same log line), and is started by `start`.

Dir[File.join(__dir__, "fronts/*.rb")].each { require_relative _1 }

module Bench
  module Fronts
    # thrust first: the others are what it is compared with. `settings` is for it and its peers. The rivals that can do
    # the same are given by name; without them, they are what they are without any configuration.
    def self.start(lab, options, target:, settings: {}, **rivals)
      starters(options, settings: settings, **rivals).map { _1.start(lab, options, target: target) }
    end

    # The same, each with a name, to be started one at a time.
    def self.starters(options, settings: {}, **rivals)
      rivals = { nginx: Nginx, caddy: Caddy.new, haproxy: Haproxy.new } if rivals.empty?
      able = options.against.filter_map { |name| Starter.new(name, rivals[name.to_sym]) if rivals[name.to_sym] }
      peers = options.peers.map { |name, command| Peer.new(name, command) }
      [Starter.new("thrust", Thrust, { settings: settings }), *able,
       *peers.map { Starter.new(_1.name, _1, { settings: settings }) }]
    end

    Starter = Struct.new(:name, :front, :words) do
      def start(lab, options, target:) = front.start(lab, options, target: target, **words.to_h)
    end
  end
end
