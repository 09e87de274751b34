# frozen_string_literal: true

require_relative "nginx"

module Bench
  module Fronts
    # nginx that compresses what comes plain, for each answer anew, at the level that `gzip on` means. Debian's has no
    # other coding.
    module NginxGzip
      def self.start(lab, options, target:)
        Nginx.start(lab, options, target: target, http: "gzip on;\ngzip_vary on;")
      end
    end
  end
end
