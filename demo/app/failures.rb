# frozen_string_literal: true

module Demo
  # What goes wrong, and how it looks: as a page for people, as a line for programs.
  module Failures
    class Crash < StandardError; end

    def self.error(request)
      respond(request, 500, "Something went wrong", "This page fails on purpose, politely: it says so itself.")
    end

    # Left to Puma, which answers in its own way and logs the backtrace.
    def self.crash(_request)
      raise Crash, "this page raises on purpose"
    end

    def self.not_found(request)
      respond(request, 404, "Nothing here", "There is no page #{request.path_info}.")
    end

    def self.method_not_allowed(request, allowed)
      respond(request, 405, "Not like this", "Ask with #{allowed.join(" or ")}.", "allow" => allowed.join(", "))
    end

    def self.respond(request, status, title, reason, headers = {})
      if request.get_header("HTTP_ACCEPT")&.include?("text/html")
        Page.respond("failure", title: title, status: status, headers: headers, heading: title, code: status, reason: reason)
      else
        [status, { "content-type" => "text/plain", "cache-control" => "no-store" }.merge(headers), ["#{reason}\n"]]
      end
    end
  end
end
