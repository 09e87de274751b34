# frozen_string_literal: true

module Thruster
  class Cache
    # A cache where there is none, such as under test. It does nothing, but takes exception to the same mistakes.
    class None < Cache
      NO_TIER = { bytes: 0, entries: 0, size: 0 }.freeze
      NOTHING = { purged: 0, entries: [], not_cached: [], memory: NO_TIER, disk: NO_TIER }.freeze

      def initialize
        super(nil)
      end

      private

      def ask(*)
        NOTHING
      end

      # Nothing was purged.
      def logged(*)
        yield
      end
    end
  end
end
