# frozen_string_literal: true

require "json"

module Demo
  # What thrust keeps, as it tells the application over its control socket, and how to be rid of it.
  module Cache
    LISTED = 12

    def self.page(_request)
      Page.respond("cache", title: "Cache", control: ENV["THRUSTER_CONTROL"])
    end

    # What it holds, and why it does not hold the rest.
    def self.held(request)
      asking(request) { { entries: Thruster.cache.entries(limit: LISTED), not_cached: Thruster.cache.not_cached.first(LISTED) } }
    end

    # One of tag=, url= and all=, with soft= or without; or sweep=, which is only about a file.
    def self.purge(request)
      asking(request) { { purged: purged(request.POST) } }
    end

    def self.purged(form)
      soft = form.key?("soft")
      if form.key?("sweep") then Files.sweep.size
      elsif form.key?("all") then Thruster.cache.clear(soft: soft)
      else Thruster.cache.purge(url: form["url"], tag: form["tag"], soft: soft)
      end
    end

    def self.asking(request)
      [200, { "content-type" => "application/json", "cache-control" => "no-store" }, [JSON.generate(yield)]]
    rescue ArgumentError => error
      Failures.respond(request, 422, "Purge what?", error.message)
    rescue Thruster::Cache::Error => error
      Failures.respond(request, 503, "No cache", error.message)
    end

    private_class_method :purged, :asking
  end
end
