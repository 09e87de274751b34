# frozen_string_literal: true

require_relative "platform"

module Thruster
  # The thrust executable: where it is or, when there is none, what to type.
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

        raise Missing, explanation(path, platform, carried_in(directory))
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

      def carried_in(directory)
        Dir.glob("*/thrust", base: directory).map { |path| File.dirname(path) }.sort
      end

      def explanation(path, platform, carried)
        if !Platform.supported?(platform) then unsupported(platform)
        elsif File.exist?(path) then not_executable(path)
        else absent(platform, carried)
        end
      end

      def unsupported(platform)
        <<~MESSAGE.chomp
          thruster has no executable for #{platform}. There is one each for #{Platform::SUPPORTED.join(", ")}.
          If you have built thrust yourself, say where it is:

              THRUSTER_EXECUTABLE=/path/to/thrust
        MESSAGE
      end

      def not_executable(path)
        <<~MESSAGE.chomp
          #{path} may not be executed. To install the gem afresh, type:

              gem pristine thruster
        MESSAGE
      end

      def absent(platform, carried)
        others = carried.empty? ? "" : " (only for #{carried.join(", ")})"
        <<~MESSAGE.chomp
          this copy of thruster holds no executable for #{platform}#{others}.
          If Gemfile.lock does not list #{platform} under PLATFORMS, type:

              bundle lock --add-platform #{platform}
              bundle install

          Without Bundler: gem install thruster --platform #{platform}
        MESSAGE
      end
    end
  end
end
