# frozen_string_literal: true

require_relative "native"

module Thruster
  # What thrust would make of an environment: the value of each setting by its name in lower case. Reads
  # like a Hash, and Server.new(**settings) takes it back.
  class Settings
    include Enumerable

    # What is not to be printed, nor written out, not by accident either.
    class Secret
      attr_reader :value

      def initialize(value)
        @value = value.freeze
        freeze
      end

      def inspect
        "(hidden)"
      end
      alias to_s inspect

      def as_json(*)
        inspect
      end

      def to_json(*)
        inspect.dump
      end

      # YAML's.
      def encode_with(coder)
        coder.represent_scalar(nil, inspect)
      end

      # Whoever reads it back counts on the value, so to hide it would not do.
      def marshal_dump
        raise TypeError, "a #{self.class} is not written out"
      end
    end

    # Values that were left aside, since they may be meant for another program: one line each.
    attr_reader :warnings

    # Raises an ArgumentError with a line for each value that thrust would not start with.
    def self.load(env = ENV)
      values, warnings = Native.load(env.to_h)
      Native.secrets.each { |name| values[name] &&= Secret.new(values[name]) }
      new(values, warnings)
    end

    def initialize(values, warnings)
      @values = values.each_value(&:freeze).freeze
      @warnings = warnings.each(&:freeze).freeze
      freeze
    end
    private_class_method :new

    def [](name)
      @values[name]
    end

    def fetch(...)
      @values.fetch(...)
    end

    def key?(name)
      @values.key?(name)
    end

    def keys
      @values.keys
    end

    def each(&block)
      return enum_for(:each) { @values.size } unless block

      @values.each(&block)
      self
    end

    def to_h
      @values.dup
    end
    alias to_hash to_h

    def inspect
      "#<#{self.class} #{@values.inspect}>"
    end
  end
end

require_relative "settings/text"
