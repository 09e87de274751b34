# frozen_string_literal: true

module Thruster
  module Generators
    # The text of a Dockerfile, and the command at its end with and without thrust, if it is the one that Rails writes.
    # With it goes the port that it exposes: thrust listens at 80.
    class Dockerfile
      THRUST = '"./bin/thrust", '
      COMMAND = %(CMD [#{THRUST}"./bin/rails", "server"]).freeze

      # Of several the last one counts. That of a HEALTHCHECK does not begin a line.
      LINE = /^CMD\b.*$/
      OWN = %r{\ACMD \["(?:\./)?bin/rails", ?"server"(?<binding>(?:, ?"(?:-b|--binding)", ?"0\.0\.0\.0")?)\]\s*\z}
      WITH_THRUST = %r{[\s"/]thrust\b}

      # Between it and the command are comments at most.
      PORT = /^EXPOSE (?:3000|80)$(?=(?:\n#.*|\s)*\z)/

      def initialize(text)
        @text = text
        @before, @command, @after = text.rpartition(LINE)
      end

      # The text with thrust in front of the server; nil if the command is another than Rails'.
      def with_thrust
        return @text if WITH_THRUST.match?(@command)

        own = OWN.match(@command)
        replace(%(CMD [#{THRUST}"./bin/rails", "server"#{own[:binding]}]), port: 80) if own
      end

      # The text as it was; the same if the command is none of ours.
      def without_thrust
        return @text unless @command.start_with?("CMD [#{THRUST}")

        replace(@command.sub(THRUST, ""), port: 3000)
      end

      private

      def replace(command, port:)
        @before.sub(PORT, "EXPOSE #{port}") + command + @after
      end
    end
  end
end
