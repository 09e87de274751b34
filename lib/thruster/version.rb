# frozen_string_literal: true

module Thruster
  # The version of the gem, and of the executable it carries (see Cargo.toml).
  VERSION = "0.2.0"
end
