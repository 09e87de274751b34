# frozen_string_literal: true

module Demo
  # Answers late: what a slow query looks like from outside.
  module Slow
    LONGEST = 30.0

    def self.call(request)
      seconds = Float(request.params["seconds"] || 2, exception: false) || 2.0
      seconds = seconds.clamp(0.0, LONGEST)
      sleep seconds
      Page.respond("slow", title: "Slow, but here", seconds: seconds)
    end
  end
end
