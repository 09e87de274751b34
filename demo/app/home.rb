# frozen_string_literal: true

module Demo
  # The home page, from which all the rest can be tried.
  module Home
    def self.call(request)
      Page.respond("home", title: "thrust demo", base: request.base_url, download: Download::SIZE,
        server: request.get_header("SERVER_SOFTWARE"), ruby: RUBY_VERSION)
    end
  end
end
