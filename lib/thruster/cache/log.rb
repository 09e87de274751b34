# frozen_string_literal: true

module Thruster
  class Cache
    # One line for each purge: what was purged, how many answers that was, and how long it took.
    #
    #     Purged 2 answers from thrust (0.8ms): tags post-1, posts
    #     Could not purge thrust: tags post-1, posts (no thrust listens at /run/app.sock. ...)
    #
    # The second is a warning, since whoever rescues Unavailable would else never know.
    module Log
      # A collection may have any number of tags, and a line should be short.
      TAGS_SHOWN = 10

      class << self
        # Returns what the block returns: the number of answers.
        def purge(logger, selection)
          return yield if !logger || selection[:tags]&.empty?

          started = now
          count = yield
          logger.info { "#{done(count, selection[:soft])} (#{format("%.1f", (now - started) * 1_000)}ms): #{what(selection)}" }
          count
        rescue Error => error
          logger&.warn { "Could not purge thrust: #{what(selection)} (#{error.message})" }
          raise
        end

        private

        def done(count, soft)
          answers = count == 1 ? "1 answer" : "#{count} answers"
          soft ? "Made #{answers} in thrust stale" : "Purged #{answers} from thrust"
        end

        def what(selection)
          if selection[:tags] then tags(selection[:tags])
          elsif selection[:all] then "everything"
          else selection.slice(:url, :prefix).map { |kind, target| "#{kind} #{without_values(target)}" }.join
          end
        end

        def tags(tags)
          more = tags.size - TAGS_SHOWN
          shown = tags.first(TAGS_SHOWN).join(", ")
          "#{tags.one? ? "tag" : "tags"} #{shown}#{" and #{more} more" if more.positive?}"
        end

        # A value in a query can be a secret, and what Rails filters is not known here.
        def without_values(target)
          path, query = target.split("?", 2)
          query ? "#{path}?#{query.gsub(/=[^&]*/, "=...")}" : path
        end

        def now
          Process.clock_gettime(Process::CLOCK_MONOTONIC)
        end
      end
    end
  end
end
