# frozen_string_literal: true

module Thruster
  module Generators
    # The text of a Procfile, and its line `web` with and without thrust. The platform's PORT becomes thrust's; the server
    # gets one of its own, so an option that gives it the platform's has to go.
    class Procfile
      THRUST = "HTTP_PORT=$PORT TARGET_PORT=3001 bundle exec thrust"
      NEW = "web: #{THRUST} bin/rails server\n".freeze

      LINE = /^web:[ \t]*(?<command>\S.*?)[ \t]*$/
      WITH_THRUST = %r{(?:\A|[\s/])thrust\s}

      # Variables, the server and its options. What a shell would do more than split into words is not in it.
      SERVER = %r{\A(?<variables>(?:[A-Z_]+=[\w./-]+\ )*)
                    (?:bundle\ exec\ )?(?<server>(?:(?:\./)?bin/)?(?:rails\ (?:server|s)|puma))
                    (?<options>(?:\ [\w./:=${}"-]+)*)\z}x

      # -p $PORT, -p ${PORT:-3000}, --port="$PORT", and a number too, where thrust would not look for it.
      PORT = /\ (?:-p\ ?|--port[ =])"?(?:\d+|\$PORT|\$\{PORT[^}\s]*\})"?(?=\ |\z)/

      PUMA = %r{\A(?:(?:\./)?bin/)?puma(?=\ |\z)}

      def initialize(text)
        @text = text
      end

      def has_thrust?
        WITH_THRUST.match?(command.to_s)
      end

      # The text with thrust in front of the server; nil if there is a line that says something else.
      def with_thrust
        return @text if has_thrust?
        return [@text.chomp, NEW].reject(&:empty?).join("\n") unless command

        server = SERVER.match(command.gsub(PORT, ""))
        return if server.nil? || server[0].include?("PORT")

        replace("#{server[:variables]}#{THRUST} #{server[:server]}#{server[:options]}")
      end

      # The text as it was, but for the way in which it says the port; empty if it was not there. `rails server` knows PORT
      # by itself, Puma only if its configuration does.
      def without_thrust
        return "" if @text == NEW
        return @text unless command&.include?("#{THRUST} ")

        before, after = command.split("#{THRUST} ", 2)
        after = "#{after.gsub(PORT, "")} -p $PORT" if PUMA.match?(after)
        replace("#{before}#{"bundle exec " unless after.match?(%r{\A(\./)?bin/})}#{after}")
      end

      private

      def command
        @text[LINE, :command]
      end

      def replace(command)
        @text.sub(LINE) { "web: #{command}" }
      end
    end
  end
end
