# frozen_string_literal: true

module Thruster
  class Cache
    # A cache where there is none, such as under test. It does nothing, but takes exception to the same mistakes.
    class None < Cache
      NOTHING = { purged: 0, entries: [], not_cached: [] }.freeze

      def initialize
        super(nil)
      end

      private

      def ask(*)
        NOTHING
      end
    end
  end
end
