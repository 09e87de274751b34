# frozen_string_literal: true

# Rows that are measured together, each with its servers, in turn, for some rounds. A sample is what one round of one of
# them has shown: names of figures, and numbers.

require_relative "company"
require_relative "failure"
require_relative "result"

module Bench
  class Heat
    WARM_UP = 1 # seconds: connections opened, caches and branch predictors filled
    PART = 0.5 # of what the slowest can do: the rate at which everyone's latencies are taken
    STEADY = 0.5 # of the seconds of a measurement, for those: thousands of requests, of which one in a hundred is many

    # A row with one server. `rate` is of requests a second, `length` that of a body.
    Entrant = Struct.new(:row, :server, :rate, :length, :samples, :failure, keyword_init: true) do
      def name = server.name
    end

    def initialize(rows, options)
      @rows = rows
      @options = options
    end

    # Yields words about what it is at. Returns entrants, with samples or with a failure.
    def run(&say)
      entrants = @rows.flat_map { warm_up(_1, &say) }
      rounds = @rows.filter_map(&:rounds).min || @options.rounds
      rounds.times do |number|
        # Every second round goes the opposite way: what drifts, drifts for all.
        (number.even? ? entrants : entrants.reverse).reject(&:failure).each do |entrant|
          say.call("#{entrant.row.name}: #{entrant.name}, round #{number + 1} of #{rounds}")
          attempt(entrant) { entrant.samples << sample(entrant) }
        end
      end
      entrants
    end

    private

    def warm_up(row)
      entrants = row.room.fronts.map { Entrant.new(row: row, server: _1, samples: []) }
      return entrants if row.measure

      speeds = entrants.filter_map do |entrant|
        yield "#{row.name}: #{entrant.name} warms up"
        attempt(entrant) do
          entrant.length = row.check&.call(entrant.server)
          row.load.full(entrant.server, [WARM_UP, row.seconds.to_i].max).per_second
        end
      end
      entrants.each { _1.rate = speeds.min.to_f * PART }
    end

    def seconds(row) = [@options.seconds, row.seconds.to_i].max

    # A server that has gone is a failure of its own.
    def attempt(entrant)
      yield
    rescue Failure, SystemCallError => failure
      entrant.failure = failure.message
      nil
    end

    def sample(entrant)
      row, server = *entrant
      return row.measure.call(server) if row.measure

      result, cost = asked_for(row) { costs(server) { |begun| row.load.full(server, seconds(row), &begun) } }
      result.weigh(entrant.length) if entrant.length
      latency = row.load.respond_to?(:steady) && row.load.steady(server, seconds(row) * STEADY, entrant.rate)
      forget_log(server)
      { **cost, cpu: cost[:cpu] / result.requests * 1e6, length: entrant.length, per_second: result.per_second,
        rate: (entrant.rate if latency), **(latency || result).waits, **result.besides }.compact
    end

    # CPU seconds, and the most memory that was used. Both count from when the load says that it has begun, if it does.
    def costs(server)
      processes = server.processes
      before = nil
      begin_to_count = lambda do
        processes.forget_peak
        before = processes.cpu_seconds
      end
      begin_to_count.call
      result = yield(begin_to_count)
      [result, { cpu: processes.cpu_seconds - before, memory: processes.peak }]
    end

    def asked_for(row)
      return yield unless row.kept

      result = nil
      asked = row.room.origin.asked_during { result = yield }
      raise Failure, "the origin was asked #{asked} times" if asked.positive?

      result
    end

    # That of a round may be 100 MB.
    def forget_log(server) = File.truncate(server.output, 0)
  end
end
