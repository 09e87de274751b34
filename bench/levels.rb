# frozen_string_literal: true

# What each level of each coding makes of real files, and at what price: the table that thrust's levels were chosen by.

require_relative "debian"
require_relative "failure"

module Bench
  module Levels
    # They bring the pages, scripts, style sheets and JSON. What is missing is left out, and the table is smaller.
    SAMPLES = %w[libjs-jquery nodejs-doc iso-codes].freeze
    EXAMPLE = %w[cargo run --release --locked --quiet --package thruster-test --example compression].freeze

    def self.print
      Debian.offer(*SAMPLES)
      system(*EXAMPLE, chdir: ROOT) || raise(Failure, "the table of levels failed: #{EXAMPLE.join(" ")}")
    end
  end
end
