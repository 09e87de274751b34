# frozen_string_literal: true

module Bench
  # The benchmark cannot go on, and the message says why.
  class Failure < StandardError; end
end
