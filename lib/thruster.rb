# frozen_string_literal: true

require_relative "thruster/version"

# The Ruby side of thrust. An application keeps nothing of it in memory: the work
# is done by an executable, which exe/thrust finds and becomes.
module Thruster
end
