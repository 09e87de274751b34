# frozen_string_literal: true

# Two events, the second one as soon as somebody opens the gate.
class FeedsController < ApplicationController
  include ActionController::Live

  def show
    response.headers["Content-Type"] = "text/event-stream"
    response.headers["Last-Modified"] = Time.now.httpdate # or Rack::ETag would wait for the end
    events = SSE.new(response.stream, event: "price")
    events.write({ price: 1 })
    File.read(params[:gate])
    events.write({ price: 2 })
  ensure
    events.close
  end
end
