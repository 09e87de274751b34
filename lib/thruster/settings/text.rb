# frozen_string_literal: true

module Thruster
  # Ruby's values as the text that thrust reads; the other way round is Settings.load.
  class Settings
    class << self
      # A text for each setting that has a value. Raises an ArgumentError with a line for each name that is none,
      # and each value that no text can say.
      def texts(chosen)
        complaints = unknown(chosen.keys)
        texts = chosen.slice(*Native.names).compact.to_h do |name, value|
          [name.to_s, text(value, separator(name))]
        rescue ArgumentError => error
          complaints << "#{name}: #{error.message}"
          [name.to_s, ""]
        end
        raise ArgumentError, complaints.join("\n") unless complaints.empty?

        texts
      end

      private

      def text(value, separator = nil)
        case value
        when true then "on"
        when false then "off"
        when String, Symbol, Numeric then value.to_s
        when Secret then value.value
        when Array then list(value, separator)
        else
          return value.to_path if value.respond_to?(:to_path)
          return value.in_seconds.to_s if value.respond_to?(:in_seconds) # Rails' 5.minutes

          raise ArgumentError, "#{value.class} is neither true nor false, a number, a text, a path nor a list of them"
        end
      end

      def list(values, separator)
        raise ArgumentError, "an empty list says nothing; nil is the default" if separator.nil? || values.empty?

        texts = values.map { |value| text(value) }
        torn = texts.find { |text| text.include?(separator) }
        raise ArgumentError, "#{torn.inspect} cannot be in a list, because of its #{separator.inspect}" if torn

        texts.join(separator)
      end

      # As in PATH, and else as people write.
      def separator(name)
        name == :sendfile_roots ? ":" : ","
      end

      def unknown(names)
        (names - Native.names).map do |name|
          nearest = nearest(name)
          "#{name}: there is no such setting#{" (did you mean #{nearest}?)" if nearest}"
        end
      end

      def nearest(name)
        require "did_you_mean"
        DidYouMean::SpellChecker.new(dictionary: Native.names).correct(name).first
      rescue LoadError
        nil # a Ruby without its gems
      end
    end
  end
end
