# frozen_string_literal: true

require_relative "thrust"

module Bench
  module Fronts
    # Any other program: an earlier thrust, haproxy with a configuration of its own. It is told what thrust is told.
    Peer = Struct.new(:name, :command) do
      def start(lab, options, target:, settings: {})
        port = lab.free_port
        environment = Thrust.environment(lab, options, port: port, target: target).merge(settings)
        lab.serve(name, command, port: port, env: environment)
      end
    end
  end
end
