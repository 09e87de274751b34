# frozen_string_literal: true

module Thruster
  # The engine of thrust, compiled for this Ruby (ext/thruster). Only the gem that is compiled on
  # installation has it; what it is for is in Server and Settings.
  module Native
    LIBRARY = "thruster/native.so"

    NEEDED = "Thruster::Server and Thruster::Settings need the engine as an extension of Ruby, which this copy of thruster\n" \
             "does not hold"

    NOT_CHOSEN = <<~MESSAGE
      #{NEEDED}: gems for one platform carry an executable alone. To have it compiled here, with Rust (cargo),
      Ruby's headers (Debian: ruby-dev) and libclang (Debian: libclang-dev), type:

          gem uninstall --all --executables thruster
          gem install thruster --platform ruby

      With Bundler 2.4 or newer, write this in the Gemfile instead, and then type `bundle install`:

          gem "thruster", force_ruby_platform: true
    MESSAGE

    NOT_COMPILED = <<~MESSAGE
      #{NEEDED}: when it was installed, Ruby's headers (Debian: ruby-dev) or libclang (Debian: libclang-dev)
      were missing. With both, type:

          gem pristine thruster

      or, with Bundler: bundle pristine thruster
    MESSAGE

    begin
      require LIBRARY
    rescue LoadError => error
      # Any other complaint, such as one of another Ruby's library, says more than we could.
      raise unless error.path == LIBRARY

      is_source = File.exist?(File.expand_path("../../ext/thruster/extconf.rb", __dir__))
      raise LoadError, is_source ? NOT_COMPILED : NOT_CHOSEN, error.backtrace
    end
  end
end
