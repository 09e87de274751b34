# frozen_string_literal: true

# A line of a scenario, measured with each of the servers in its room.

module Bench
  # `load` is asked for `full(server, seconds)`, and for `steady(server, seconds, rate)` if it can do that. `check` is
  # given a server before anything is measured, raises unless it answers rightly, and may return the bytes of a body.
  # `kept`: the origin may not be asked. `measure`, in the place of a load, is given a server and returns a sample, in
  # as many rounds as `rounds` says. `seconds` is how long it needs at least, `headline` that it is in the chart.
  Row = Struct.new(:name, :room, :load, :check, :kept, :measure, :rounds, :seconds, :headline, keyword_init: true)

  # An origin and what stands before it, started when the first row asks for them.
  class Room
    def initialize(origin, &fronts)
      @start_origin = origin
      @start_fronts = fronts
    end

    def origin = @origin ||= @start_origin.call
    def fronts = @fronts ||= @start_fronts.call(origin)
  end
end
