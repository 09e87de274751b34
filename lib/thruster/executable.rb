# frozen_string_literal: true

require_relative "platform"

module Thruster
  # The thrust executable: where it is. This is read at every start, so it needs nothing of RubyGems or Bundler;
  # why there is none, and what to type then, is advice.rb's.
  module Executable
    # There is nothing to run. The message is for the person at the terminal.
    class Missing < StandardError; end

    DIRECTORY = File.expand_path("../../exe", __dir__)

    class << self
      # THRUSTER_EXECUTABLE, if it is set, else the executable this gem carries for the platform.
      def find(platform: Platform.local, directory: DIRECTORY, chosen: ENV["THRUSTER_EXECUTABLE"])
        return check_chosen(File.expand_path(chosen)) unless chosen.to_s.empty?

        path = File.join(directory, platform, "thrust")
        return path if runnable?(path)

        require_relative "advice"
        raise Missing, Advice.new(platform, directory).to_s
      end

      # The extension, if this gem was compiled here: it can be thrust as well, at the price of a Ruby in memory. Nil
      # where somebody has chosen an executable.
      def extension(chosen: ENV["THRUSTER_EXECUTABLE"])
        path = File.join(__dir__, "native.#{RbConfig::CONFIG["DLEXT"]}")
        path if chosen.to_s.empty? && File.file?(path)
      end

      private

      def check_chosen(path)
        return path if runnable?(path)

        raise Missing, "THRUSTER_EXECUTABLE is #{path}, which is not an executable file. " \
                       "Correct it, or unset it to use the one in the gem."
      end

      def runnable?(path)
        File.file?(path) && File.executable?(path)
      end
    end
  end
end
