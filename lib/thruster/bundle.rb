# frozen_string_literal: true

module Thruster
  # What Bundler, where it started this process, decided about this gem, by its settings and Gemfile.lock; for advice.rb.
  class Bundle
    class << self
      # Nil where Bundler did not start this process.
      def current
        new if defined?(::Bundler) && ENV["BUNDLE_GEMFILE"]
      end
    end

    # Whether the Gemfile itself asks for a gem that builds its executable: `force_ruby_platform: true`, which
    # Bundler knows from 2.4 on, or a source that is no gem at all.
    def built_by_choice?
      dependency = ::Bundler.definition.dependencies.find { |candidate| candidate.name == "thruster" }
      return false unless dependency

      dependency.source.is_a?(::Bundler::Source::Path) ||
        (dependency.respond_to?(:force_ruby_platform) && dependency.force_ruby_platform == true)
    end

    # Why Bundler took a gem without an executable for this platform.
    def reason
      if forced? then "Bundler's setting force_ruby_platform is on"
      elsif !locked? then "Gemfile.lock does not list #{platform} under PLATFORMS"
      else "Gemfile.lock lists #{platform}, but has no thruster for it"
      end
    end

    # The lines to type. `bundle update` because `bundle install` would keep the gem that is there.
    def cure
      [*("unset BUNDLE_FORCE_RUBY_PLATFORM" if ENV["BUNDLE_FORCE_RUBY_PLATFORM"]),
       *("bundle config unset force_ruby_platform" if forced?),
       "bundle lock --add-platform #{platform}",
       "bundle update --conservative thruster"]
    end

    private

    # Bundler's name for it can be more precise than ours: arm64-darwin-23, x86_64-linux-musl.
    def platform
      ::Bundler.local_platform
    end

    def forced?
      ::Bundler.settings[:force_ruby_platform] ? true : false
    end

    def locked?
      ::Bundler.locked_gems&.platforms.to_a.any? { |locked| platform === locked }
    end
  end
end
