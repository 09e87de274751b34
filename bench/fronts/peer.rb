# frozen_string_literal: true

require_relative "thrust"

module Bench
  module Fronts
    # Any other program: an earlier thrust, haproxy with a configuration of its own. It is told what thrust is told.
    Peer = Struct.new(:name, :command) do
      def start(lab, options, target:, settings: {})
        Thrust.serve(lab, options, name, command, target: target, settings: settings)
      end
    end
  end
end
