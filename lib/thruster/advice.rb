# frozen_string_literal: true

require_relative "bundle"
require_relative "platform"

module Thruster
  # What to type when the gem has no executable for this platform. Each cure was tried with Bundler 2.3 and 2.6
  # (test/bundler_test.rb): from 2.6 on, `bundle install` is content with a gem that is there already.
  class Advice
    # `directory` is the gem's exe.
    def initialize(platform, directory, bundle: Bundle.current)
      @platform = platform
      @directory = directory
      @bundle = bundle
    end

    def to_s
      if File.exist?("#{@directory}/#{@platform}/thrust") then not_executable
      elsif !Platform.supported?(@platform) then unsupported
      elsif @bundle && !@bundle.built_by_choice? then not_chosen
      elsif source? then not_built
      else another_platform
      end
    end

    private

    def not_executable
      <<~MESSAGE.chomp
        #{@directory}/#{@platform}/thrust may not be executed. To install the gem afresh, type:

            #{pristine}
      MESSAGE
    end

    def unsupported
      <<~MESSAGE.chomp
        thruster has no ready-made executable for #{@platform}, only for #{Platform::SUPPORTED.join(", ")}.
        Where there is Rust (https://rustup.rs), the gem builds its own. Type:

            #{@bundle && source? ? pristine : "gem install thruster --platform ruby"}

        If you have built thrust yourself, say where it is: THRUSTER_EXECUTABLE=/path/to/thrust
      MESSAGE
    end

    # Bundler took the gem for all platforms, or has another machine's.
    def not_chosen
      <<~MESSAGE.chomp
        #{@bundle.reason}, so Bundler took a thruster without an executable#{others}.
        Where you develop, type this, and commit Gemfile.lock:

        #{@bundle.cure.map { |line| "    #{line}" }.join("\n")}
      MESSAGE
    end

    def not_built
      ready_made = "\n\nOr take the ready-made one: gem uninstall --all thruster, then gem install thruster" unless @bundle
      <<~MESSAGE.chomp
        this thruster is the source gem, and its executable for #{@platform} was not built when it was installed.
        With Rust (https://rustup.rs) in your PATH, type:

            #{pristine}#{ready_made}
      MESSAGE
    end

    def another_platform
      <<~MESSAGE.chomp
        this copy of thruster holds no executable for #{@platform}#{others}. Type:

            gem install thruster --platform #{@platform}
      MESSAGE
    end

    def pristine
      @bundle ? "bundle pristine thruster" : "gem pristine thruster"
    end

    # Whose executables are here instead.
    def others
      carried = Dir.glob("*/thrust", base: @directory).map { |path| File.dirname(path) }.sort
      carried.empty? ? "" : " (only for #{carried.join(", ")})"
    end

    def source?
      File.exist?("#{@directory}/../ext/thruster/extconf.rb")
    end
  end
end
