# frozen_string_literal: true

module Thruster
  class Cache
    # The names under which pages are tagged and purged:
    #
    #     "front-page"          itself
    #     post                  "post-1"; a Blog::Post is "blog-post-1"
    #     Post                  "posts", for pages that list them
    #     [post, post.comments] those of each, also in a relation
    #     anything else         what its method `thruster_tag` returns
    #
    # nil and records that were never saved have none: nothing can be made from them.
    module Tag
      # In bytes. There is no need for longer ones, and some bound is needed.
      LONGEST = 1_024

      # What cannot be within a tag in a header field, or would be taken for its end.
      UNSAFE = /[^!-~]|[",\\]/n

      class << self
        # The tags of all these, each once.
        def of(*things)
          things.flat_map { |thing| tags(thing) }.uniq
        end

        private

        # A relation is asked for its records first: in all else it answers for its model.
        def tags(thing)
          if thing.nil? then []
          elsif thing.is_a?(String) || thing.is_a?(Symbol) then [escape(thing.to_s)]
          elsif thing.respond_to?(:to_ary) then of(*thing.to_ary)
          elsif thing.respond_to?(:thruster_tag) then tags(thing.thruster_tag)
          elsif thing.respond_to?(:model_name) then model(thing)
          else raise ArgumentError, "#{thing.class} is no tag: neither text nor a record, and it has no thruster_tag"
          end
        end

        def model(thing)
          return [dashed(thing.model_name.plural)] if thing.is_a?(Module)

          id = Array(thing.id) # several, if the key is composite
          return [] if id.empty? || id.include?(nil)

          [escape([dashed(thing.model_name.singular), *id].join("-"))]
        end

        def dashed(name)
          name.tr("_", "-")
        end

        # As in a URL, so that any text can be a tag. The per cent sign is left alone: a tag that is
        # escaped already, out of Thruster.cache.entries perhaps, stays the same.
        def escape(name)
          tag = name.b.gsub(UNSAFE) { |byte| format("%%%02X", byte.ord) }.force_encoding(Encoding::UTF_8)
          raise ArgumentError, "a tag may not be empty" if tag.empty?
          raise ArgumentError, "a tag may have #{LONGEST} bytes, unlike #{tag[0, 64]}…" if tag.bytesize > LONGEST

          tag
        end
      end
    end
  end
end
