# frozen_string_literal: true

require "time"

module Demo
  # An answer that thrust may keep, or may not. It tells when it was made, so a kept one can be told from a new one.
  class Cached
    include Thruster::Tags

    attr_reader :headers

    # What Puma answers to a path.
    def self.made(*tags, seconds: 0, **headers)
      ->(_request) { new(headers.transform_keys { |name| name.to_s.tr("_", "-") }).answer(tags, seconds) }
    end

    def initialize(headers)
      @headers = { "content-type" => "text/plain" }.merge(headers)
    end

    def answer(tags, seconds)
      sleep seconds
      thruster_tags(*tags)
      [200, headers, ["made at #{Time.now.utc.iso8601(3)}\n"]]
    end
  end
end
