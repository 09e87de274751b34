# frozen_string_literal: true

# Many small pages below one path: all asked for once, so that a cache has them, and then each as often as the others
# (uniform) or as people do (Zipf: the second half as often as the first, the third a third as often).

require_relative "failure"
require_relative "kept_connection"
require_relative "page"
require_relative "wrk"

module Bench
  class ManyKeys
    # Draws, after which wrk begins again. Enough that a few seconds see no repetition.
    DRAWS = 1 << 18
    SEED = 20

    # Connections, and requests at once on each, that fill a cache: enough to keep it busy.
    CONNECTIONS = 16
    PIPELINED = 16

    def initialize(lab, path, count)
      @lab = lab
      @path = path
      @count = count
    end

    # Asks a server for each of them, and looks at what comes.
    def fill(server)
      connections = Array.new(CONNECTIONS) { KeptConnection.new(server.port) }
      (0...@count).each_slice(PIPELINED).each_slice(CONNECTIONS) do |slices|
        asked = connections.zip(slices.map { |numbers| numbers.map { path(_1) } }).take(slices.size)
        asked.each { |connection, paths| connection.ask(*paths) }
        asked.each { |connection, paths| paths.each { verify(server, _1, connection.answer) } }
      end
    ensure
      connections&.each(&:close)
    end

    def zipf
      sum = 0.0
      sums = Array.new(@count) { sum += 1.0 / (_1 + 1) }
      ask("zipf") { |fraction| sums.bsearch_index { _1 > fraction * sum } }
    end

    def uniform = ask("uniform") { |fraction| (fraction * @count).floor }

    private

    # The block makes a number of a fraction of one.
    def ask(law)
      random = Random.new(SEED)
      endings = Array.new(DRAWS) { Page.ending(yield(random.rand)) }
      Wrk::Ask.new(path: @path, endings: @lab.write("#{law}-#{@count}", "#{endings.join("\n")}\n"))
    end

    def path(number) = @path + Page.ending(number)

    def verify(server, path, body)
      return if body.start_with?("#{path} ")

      raise Failure, "#{server.name} was asked for #{path} and answers #{body[0, path.length].inspect}"
    end
  end
end
