# frozen_string_literal: true

module Thruster
  # The engine of thrust, compiled for this Ruby (ext/thruster). Only the gem that is compiled on
  # installation has it; what it is for is in Server and Settings.
  module Native
    LIBRARY = "thruster/native.so"

    ABSENT = <<~MESSAGE
      Thruster::Server and Thruster::Settings need the engine as an extension of Ruby, which this copy of thruster
      does not hold: gems for one platform carry an executable alone. To have it compiled here, with Rust (cargo),
      Ruby's headers (Debian: ruby-dev) and libclang (Debian: libclang-dev), type:

          gem install thruster --platform ruby

      With Bundler, write this in the Gemfile, and then type `bundle install`:

          gem "thruster", force_ruby_platform: true
    MESSAGE

    begin
      require LIBRARY
    rescue LoadError => error
      # Any other complaint, such as one of another Ruby's library, says more than we could.
      raise unless error.path == LIBRARY

      raise LoadError, ABSENT, error.backtrace
    end
  end
end
