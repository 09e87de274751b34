# frozen_string_literal: true

module Thruster
  # The cache of a running thrust: to purge it, and to see what is in it and why the rest is not.
  # A call is one exchange over thrust's control socket. Nothing is kept between two of them, so
  # threads and forked workers may share it.
  class Cache
    # thrust refused, or what listens there is not thrust.
    class Error < StandardError; end

    # There is no thrust that could be asked.
    class Unavailable < Error; end

    autoload :Control, "#{__dir__}/cache/control"
    autoload :Log, "#{__dir__}/cache/log"
    autoload :None, "#{__dir__}/cache/none"
    autoload :Tag, "#{__dir__}/cache/tag"

    # A path, as requests have it, or a URL. Blanks and control characters are in no request.
    TARGET = %r{\A(?:/|https?://[^\s/?#])[[:graph:]]*\z}

    # So many tags of the greatest length fit into the 64 KiB that thrust reads.
    TAGS_AT_ONCE = 50

    # What thrust lists at most.
    ENTRIES = (0..10_000).freeze

    WHAT_TO_PURGE = 'purge takes one of "/path?query", url:, prefix:, tag: and tags: (for everything, there is clear)'

    # What Thruster.cache is, unless it was given another.
    def self.default(env = ENV)
      path = env["THRUSTER_CONTROL"].to_s
      return None.new if path.empty? && [env["RAILS_ENV"], env["RACK_ENV"]].include?("test")

      new(path)
    end

    # `path` is that of the control socket. `timeout` is in seconds, for a whole exchange: thrust
    # answers a purge within milliseconds, but when its disk is slow, that of a large cache takes longer.
    def initialize(path, timeout: 5)
      @path = path.to_s
      @timeout = timeout
    end

    # Removes responses, and returns how many there were:
    #
    #     purge("/posts/1")                     this target, of every host; the query is part of it
    #     purge("https://example.com/posts/1")  of one host
    #     purge(prefix: "/posts")               all that begin so, /posts-of-mine among them
    #     purge(tag: @post)                     all with this tag
    #     purge(tags: [@post, "front-page"])    or with any of these
    #
    # With `soft: true` they become stale instead: they are refreshed when they are next asked for,
    # and served meanwhile where stale-while-revalidate or stale-if-error allow that.
    #
    # When it returns, nothing that was purged is served any more, nor will answers be stored that
    # the application was at work on when the purge came. So purge what you have committed.
    def purge(target = nil, url: nil, prefix: nil, tag: nil, tags: nil, soft: false)
      given = [[:url, target], [:url, url], [:prefix, prefix], [:tags, tag], [:tags, tags]].select(&:last)
      raise ArgumentError, WHAT_TO_PURGE unless given.size == 1

      kind, value = given.first
      purge_selected({ kind => kind == :tags ? Tag.of(value) : check_target(value) }, soft)
    end

    # Purges everything, and returns how much that was.
    def clear(soft: false)
      purge_selected({ all: true }, soft)
    end

    # How full it is: `{ memory: { entries: 12, bytes: 34567, size: 67108864 }, disk: { ... } }`.
    def stats
      held(0).slice(:memory, :disk)
    end

    # What is in it, each a Hash of :url, :status, :age, :ttl, :fresh, :size, :hits, :codings, :tags and :tier.
    def entries(limit: 100)
      raise ArgumentError, "a limit is in #{ENTRIES}, and not #{limit.inspect}" unless ENTRIES.include?(limit)

      held(limit).fetch(:entries)
    end

    # The last answers to GET that were not kept, the newest first, each a Hash of :url, :status, :reason and :age.
    def not_cached
      held(0).fetch(:not_cached)
    end

    private

    def purge_selected(selection, soft)
      selection = selection.merge(soft: true) if soft
      logged(selection) { in_parts(selection).sum { |part| ask("POST", "/purge", part).fetch(:purged) } }
    end

    def logged(selection, &purge)
      Log.purge(Thruster.logger, selection, &purge)
    end

    def in_parts(selection)
      return [selection] unless selection.key?(:tags)

      selection[:tags].each_slice(TAGS_AT_ONCE).map { |some| selection.merge(tags: some) }
    end

    def held(limit)
      ask("GET", "/cache?limit=#{limit}")
    end

    def ask(...)
      Control.new(@path, timeout: @timeout).ask(...)
    end

    # Anything that is written as a target, such as a URI.
    def check_target(value)
      text = value.to_s.dup.force_encoding(Encoding::UTF_8)
      return text if text.valid_encoding? && TARGET.match?(text)

      raise ArgumentError, "#{text.inspect} is neither a path that begins with / nor a URL. #{WHAT_TO_PURGE}"
    end
  end
end
