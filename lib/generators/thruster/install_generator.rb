# frozen_string_literal: true

require "rails/generators/base"
require_relative "install/dockerfile"
require_relative "install/procfile"

module Thruster
  module Generators
    # bin/rails generate thruster:install puts thrust in front of an application, wherever it is started. What is there
    # and says something of its own is left alone, with a word about what to write; so it may be run again at any time.
    # bin/rails destroy thruster:install takes it away.
    class InstallGenerator < Rails::Generators::Base
      # Up to 7.2 the database was prepared if the first two words of the command were these; later, the last two.
      SERVER_FIRST = '[ "${1}" == "./bin/rails" ] && [ "${2}" == "server" ]'
      SERVER_ANYWHERE = '[[ " $* " == *" ./bin/rails server "* ]]'

      REQUIRE_FALSE = /^([^#\n]*\bgem[ (]\s*["']thruster["'].*?),\s*(?:require:|:require\s*=>)\s*false/

      STATE = "\n# Certificates and the cache of thrust.\n/storage/thruster\n"
      STATE_IS_IGNORED = %r{^/?storage(?:/|/\*\*?|/thruster/?)?$}

      desc "Puts thrust in front of this application: bin/thrust, Procfile, Dockerfile, public/502.html."
      source_root File.expand_path("templates", __dir__)

      # The Railtie needs the gem to be loaded. Rails' own Gemfile says that it need not.
      def load_gem
        edit("Gemfile") { |text| text.sub(REQUIRE_FALSE, '\1') } if is_installing?
      end

      # Rails and Bundler write binstubs too, and any of them will do.
      def add_binstub
        add("thrust", "bin/thrust") { chmod "bin/thrust", 0o755, verbose: false }
      end

      def add_bad_gateway_page
        add "502.html", "public/502.html"
      end

      # One that is ours alone comes and goes; another is changed.
      def change_procfile
        ours = /\A#{Regexp.escape(Procfile::NEW)}\z/
        return create_file("Procfile", Procfile::NEW) if !has?("Procfile") || has?("Procfile", ours)

        edit("Procfile") { |text| put_in(Procfile.new(text)) or hint("Procfile", Procfile::NEW) }
      end

      def change_dockerfile
        before = exposed
        edit("Dockerfile") { |text| put_in(Dockerfile.new(text)) or hint("Dockerfile", Dockerfile::COMMAND) }
        @has_another_port = exposed != before
      end

      # Behind thrust the database would else not be prepared any more. Only bash knows what is put there.
      def change_docker_entrypoint
        return unless is_installing? && has?("bin/docker-entrypoint", /\A#!.*\bbash\b/)

        edit("bin/docker-entrypoint") { |text| text.sub(SERVER_FIRST) { SERVER_ANYWHERE } }
      end

      def ignore_state
        return edit(".gitignore") { |text| text.sub(STATE, "") } unless is_installing?

        edit(".gitignore") { |text| text.match?(STATE_IS_IGNORED) ? text : "#{text.chomp}\n#{STATE}" }
      end

      def say_what_is_next
        return unless is_installing?

        say "\nWhere you typed bin/rails server, type bin/thrust bin/rails server. It listens where PORT says, else at port 80,"
        say "or 8080 where 80 is not allowed."
        say "The container's port is 80 now, not 3000." if @has_another_port
        say "In production, set RAILS_SERVE_STATIC_FILES=1: this Rails leaves public/ to others." if leaves_public_to_others?
      end

      private

      # A file that comes if there is none, and goes if it is as it came; the block is for what has come.
      def add(name, path)
        return say_status(:exist, path, :blue) if has?(path) && !is_untouched?(name, path) && !options[:force]

        template name, path
        yield if block_given?
      end

      # Nothing in a template is filled in.
      def is_untouched?(name, path)
        File.binread(inside(path)) == File.binread("#{self.class.source_root}/#{name}.tt")
      end

      def exposed
        has?("Dockerfile") ? File.binread(inside("Dockerfile")).scan(/^EXPOSE .*/) : []
      end

      def put_in(file)
        is_installing? ? file.with_thrust : file.without_thrust
      end

      # nil, for there is nothing to write.
      def hint(path, line)
        say_status :hint, "#{path} starts the server in a way of its own. With thrust it is: #{line}", :yellow
        nil
      end

      # Writes what the block makes of the text, unless that is nil, or the options say not to.
      def edit(path)
        return unless has?(path)

        before = File.read(inside(path))
        after = yield(before) or return
        return say_status(:identical, path, :blue) if before == after
        return say_status(:skip, path, :yellow) if options[:skip]

        say_status :change, path
        File.write(inside(path), after) unless options[:pretend]
      end

      # Rails 7.1 sends the files itself unless it is told not to.
      def leaves_public_to_others?
        Rails.gem_version < Gem::Version.new("7.1")
      end

      def is_installing?
        behavior == :invoke
      end

      # A page of one's own may be written in any encoding.
      def has?(path, pattern = //)
        File.file?(inside(path)) && pattern.match?(File.binread(inside(path)))
      end

      def inside(path)
        File.expand_path(path, destination_root)
      end
    end
  end
end
