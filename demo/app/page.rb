# frozen_string_literal: true

require "erb"

module Demo
  # Turns a template of views/ into a response, inside of the layout.
  class Page
    include ERB::Util

    VIEWS = File.join(__dir__, "views")

    HEADERS = {
      "content-type" => "text/html; charset=utf-8",
      "cache-control" => "no-store",
      "content-security-policy" => "default-src 'self'; form-action 'self'; frame-ancestors 'none'"
    }.freeze

    def self.respond(view, title:, status: 200, headers: {}, **values)
      [status, HEADERS.merge(headers), [new(title, values).render(view)]]
    end

    def initialize(title, values)
      @title = title
      @values = values
    end

    def render(view)
      content = template(view).result_with_hash(page: self, **@values)
      template("layout").result_with_hash(page: self, title: @title, content: content)
    end

    # Every value in a page goes through this: `<%= page.h value %>`.
    public :h

    def megabytes(bytes) = format("%.1f MB", bytes / 1_000_000.0)

    private

    # Read each time: a demo is there to be changed while it runs.
    def template(name)
      ERB.new(File.read(File.join(VIEWS, "#{name}.erb")), trim_mode: "-")
    end
  end
end
