# frozen_string_literal: true

# What a hit costs: thrust's cache beside nginx's proxy_cache. Nothing is measured before both have been seen to answer
# from what they keep, rightly, and in the coding that the row is about. A row during which the origin was asked fails.

require_relative "../company"
require_relative "../contest"
require_relative "../failure"
require_relative "../fronts"
require_relative "../many_keys"
require_relative "../page"
require_relative "../pages_origin"
require_relative "../probe"
require_relative "../statistics"
require_relative "../table"
require_relative "../wrk"

module Bench
  module Cache
    NEEDS = %w[nginx wrk brotli].freeze
    DEFAULTS = { rounds: 5, seconds: 2, connections: 64, only: "" }.freeze
    WARM_UP = 1 # seconds
    LIMIT = 1.1 # CPU per hit, thrust to nginx

    PAGES = { "1 KB" => 1_024, "20 KB" => 20_480, "400 KB" => 409_600 }.to_h { |name, size| [name, Page.html(size)] }
    KEYS = 10_000

    # What everybody is asked, and what nginx is asked instead, if anything. `expected` is what must come; nothing where
    # there are many answers, each of which has been looked at when the caches were filled.
    Row = Struct.new(:name, :ask, :for_nginx, :expected, :keys, keyword_init: true) do
      def asks = ->(server) { server.name == "nginx" && for_nginx || ask }
    end

    def self.run(lab, options, limits)
      origin = PagesOrigin.new(lab, options, pages: PAGES.transform_keys { file(_1) })
      fronts = Fronts.start(lab, options, target: origin.port, nginx: Fronts::NginxCache)
      rows = rows(lab, origin).select { _1.name.include?(options.only) }
      raise Failure, "no row has #{options.only} in its name" if rows.empty?

      table = Table.new("", *headings(fronts), "", remark: true)
      others = Company.during([*fronts, origin.server]) do
        rows.each { |row| table.row(row.name, *figures(row, fronts, origin, options, limits)) }
      end
      puts "\nhits over keep-alive, #{options.connections} connections, " \
           "median of #{options.rounds} rounds of #{options.seconds} s, access log: #{options.log}\n\n",
           table, "", "Programs that are no part of this took #{others.round} % of the machine meanwhile."
    end

    def self.rows(lab, origin)
      PAGES.flat_map { |name, text| page_rows(name, text) } << not_modified(origin, "20 KB") << keys(lab)
    end

    # The words in parentheses say where thrust and nginx have the coding from: made by the cache itself, once (own),
    # kept as it came (origin's), or made for each answer anew (on the fly).
    def self.page_rows(name, text)
      ask = lambda do |folder, coding = nil|
        Wrk::Ask.new("/#{folder}/#{file(name)}", coding ? { "Accept-Encoding" => coding } : {})
      end
      expected = ->(coding) { Probe::Expected.new("200", coding, text) }
      gzip = { expected: expected["gzip"] }
      [
        Row.new(name: name, ask: ask["plain"], expected: expected[nil]),
        Row.new(name: "#{name} gzip (origin's : origin's)", ask: ask["gzip", "gzip"], **gzip),
        Row.new(name: "#{name} gzip (own : origin's)", ask: ask["plain", "gzip"], for_nginx: ask["gzip", "gzip"],
                **gzip),
        Row.new(name: "#{name} gzip (own : on the fly)", ask: ask["plain", "gzip"], **gzip),
        Row.new(name: "#{name} br (own : origin's)", ask: ask["plain", "br"], for_nginx: ask["br", "br"],
                expected: expected["br"])
      ]
    end

    def self.not_modified(origin, name)
      path = "/plain/#{file(name)}"
      tag = Probe.get(origin.port, path)["ETag"]
      Row.new(name: "304", ask: Wrk::Ask.new(path, { "If-None-Match" => tag }),
              expected: Probe::Expected.new("304", nil, ""))
    end

    def self.keys(lab)
      keys = ManyKeys.new(lab, "/key/", KEYS)
      Row.new(name: "#{KEYS} keys of 1 KB, Zipf", ask: keys.zipf, keys: keys)
    end

    # The cells of a row, without its name.
    def self.figures(row, fronts, origin, options, limits)
      bytes = fronts.map { settle(_1, row) }
      contest = Contest.new(fronts, options, title: row.name, asks: row.asks).warm_up(WARM_UP)
      asked = origin.asked_during { contest.run }
      verdict = limits.missed("the origin was asked #{asked} times") if asked.positive?
      ratios = fronts.drop(1).flat_map do |other|
        ratio = contest.ratios(fronts.first, other, &:cpu)
        verdict ||= limits.at_most(LIMIT, Statistics.median(ratio)) if other.name == "nginx"
        [format("%.2f", Statistics.median(ratio)), format("%.2f-%.2f", *ratio.minmax)]
      end
      [*fronts.map { |front| format("%.1f", contest.median(front, &:cpu)) }, *ratios,
       *fronts.map { |front| contest.median(front) { _1.load.per_second }.round }, *bytes, verdict]
    rescue Failure => failure
      [*headings(fronts).map { "" }, limits.missed(failure.message)]
    end

    # Returns the bytes of an answer's body.
    def self.settle(front, row)
      return Probe.settle(front, row.asks.call(front), row.expected) unless row.keys

      2.times { row.keys.fill(front) } # the second time finds what the first has brought
      PagesOrigin::KEY_SIZES.fetch("key")
    end

    def self.headings(fronts)
      names = fronts.map(&:name)
      [*names.map { "#{_1} us/hit" }, *names.drop(1).flat_map { ["#{names.first} : #{_1}", "least-most"] },
       *names.map { "#{_1} hits/s" }, *names.map { "#{_1} bytes" }]
    end

    def self.file(name) = name.delete(" ")

    private_class_method :rows, :page_rows, :not_modified, :keys, :figures, :settle, :headings, :file
  end
end
