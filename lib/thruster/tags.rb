# frozen_string_literal: true

require_relative "cache/tag"

module Thruster
  # For controllers: names what a page is made from, so that it can be purged by that.
  #
  #     def show
  #       @post = Post.find(params[:id])
  #       expires_in 1.day, public: true
  #       thruster_tags @post, @post.comments
  #     end
  #
  #     Thruster.cache.purge(tag: @post) # once it has changed
  #
  # It works in all that has a `response` with `headers`, or `headers` of its own. There is no
  # helper for views: a fragment out of Rails' own cache would not call it.
  #
  # No constants in here: every controller would inherit them.
  module Tags
    private

    # Adds the tags of these to the response's Cache-Tag, which thrust reads and removes. What can
    # be a tag, see Thruster::Cache::Tag.
    def thruster_tags(*records)
      fields = respond_to?(:response, true) ? response.headers : headers
      known = Array(fields["Cache-Tag"]).join(",").split(",").map(&:strip)
      tags = known | Cache::Tag.of(*records)
      fields["Cache-Tag"] = tags.join(", ") unless tags.empty?
    end
  end
end
