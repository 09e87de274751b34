# frozen_string_literal: true

# What the levels of each coding cost, and whether compressing long pages makes others wait: short requests, now and
# then, while others keep the proxy busy with pages of 400 KB that it compresses for each answer anew.

require_relative "../beside"
require_relative "../company"
require_relative "../contest"
require_relative "../failure"
require_relative "../fronts"
require_relative "../levels"
require_relative "../long_pages_origin"
require_relative "../origin"
require_relative "../probe"
require_relative "../statistics"
require_relative "../table"
require_relative "../wrk"

module Bench
  module Compression
    NEEDS = %w[nginx wrk brotli zstd].freeze
    DEFAULTS = { rounds: 5, seconds: 4, connections: 8, only: "" }.freeze
    WARM_UP = 1 # seconds
    LIMIT = 1.25 # p99 of a short request, thrust to nginx
    LEVELS = "levels" # what --only calls the table of levels

    # Short requests are to wait for the proxy, not to be its load: 8 connections ask some 1,500 times a second.
    PAUSE = 10 # most milliseconds between an answer and the next request
    SHORT = Wrk::Ask.new("/", {}, nil, PAUSE)

    PLAIN = LongPagesOrigin::PAGE.bytesize

    # What keeps them busy: pages in a coding, and in another where Debian's nginx has not that one; or nothing.
    Row = Struct.new(:name, :coding, :for_nginx, :busy, keyword_init: true) do
      def coding_of(server) = server.name == "nginx" && for_nginx || coding

      def asks(server)
        fields = { "Accept-Encoding" => coding_of(server) }.compact
        Wrk::Ask.new("/long", fields) if busy
      end
    end

    ROWS = [
      Row.new(name: "nothing else", busy: false),
      Row.new(name: "pages as they are", busy: true),
      Row.new(name: "gzip", coding: "gzip", busy: true),
      Row.new(name: "br (nginx: gzip)", coding: "br", for_nginx: "gzip", busy: true),
      Row.new(name: "zstd (nginx: gzip)", coding: "zstd", for_nginx: "gzip", busy: true)
    ].freeze

    def self.run(lab, options, limits)
      rows = ROWS.select { _1.name.include?(options.only) }
      levels = LEVELS.include?(options.only)
      raise Failure, "no row has #{options.only} in its name" if rows.empty? && !levels

      Levels.print if levels
      waits(lab, rows, options, limits) if rows.any?
    end

    def self.waits(lab, rows, options, limits)
      origin = LongPagesOrigin.start(lab, options)
      fronts = Fronts.start(lab, options, target: origin.port, nginx: Fronts::NginxGzip)
      table = Table.new("", *headings(fronts), "", remark: true)
      others = Company.during([*fronts, origin]) do
        rows.each { |row| table.row(row.name, *figures(row, fronts, options, limits)) }
      end
      puts "\n#{Origin::BODY.bytesize} bytes over #{options.connections} kept connections that pause up to " \
           "#{PAUSE} ms, while #{options.connections} others ask for pages of #{PLAIN} bytes without a pause, " \
           "median of #{options.rounds} rounds of #{options.seconds} s (worst: of all), access log: #{options.log}\n\n",
           table, "", "Programs that are no part of this took #{others.round} % of the machine meanwhile."
    end

    # The cells of a row, without its name.
    def self.figures(row, fronts, options, limits)
      contest = contest(row, fronts, options)
      ratios = fronts.drop(1).to_h { |other| [other.name, contest.ratios(fronts.first, other) { _1.load.short.p99 }] }
      verdict = limits.at_most(LIMIT, Statistics.median(ratios.fetch("nginx"))) if row.coding
      [*fronts.flat_map { waits_of(_1, contest) },
       *ratios.values.flat_map { [format("%.2f", Statistics.median(_1)), format("%.2f-%.2f", *_1.minmax)] },
       *fronts.flat_map { row.busy ? pages_of(_1, contest) : ["", ""] }, verdict]
    rescue Failure => failure
      [*headings(fronts).map { "" }, limits.missed(failure.message)]
    end

    def self.contest(row, fronts, options)
      fronts.each { check(_1, row) }
      load = lambda do |server, seconds|
        Beside.run(server.port, SHORT, row.asks(server), connections: options.connections, seconds: seconds)
      end
      contest = Contest.new(fronts, options, title: row.name, load: load).warm_up(WARM_UP).run
      fronts.each { weigh(_1, row, contest) } if row.busy
      contest
    end

    def self.check(front, row)
      Probe.check(front, SHORT, Probe::Expected.new("200", nil, Origin::BODY))
      return unless row.busy

      Probe.check(front, row.asks(front), Probe::Expected.new("200", row.coding_of(front), LongPagesOrigin::PAGE))
    end

    # wrk decodes nothing, but counts bytes: none of the pages may have left otherwise than the row has it.
    def self.weigh(front, row, contest)
      least, most = contest.range(front) { bytes_of_page(_1) }
      return if row.coding_of(front) ? most < PLAIN / 2 : least >= PLAIN

      raise Failure, "#{front.name} sent #{least.round}-#{most.round} bytes for a page"
    end

    def self.waits_of(front, contest)
      [*%i[p50 p99].map { |name| format("%.2f", contest.median(front) { _1.load.short[name] }) },
       format("%.1f", contest.range(front) { _1.load.short.worst }.last)]
    end

    def self.pages_of(front, contest)
      [contest.median(front) { _1.load.busy.per_second }.round, contest.median(front) { bytes_of_page(_1) }.round]
    end

    def self.bytes_of_page(round) = round.load.busy.bytes / round.load.busy.requests

    def self.headings(fronts)
      names = fronts.map(&:name)
      [*names.flat_map { ["#{_1} p50 ms", "p99 ms", "worst ms"] },
       *names.drop(1).flat_map { ["p99 #{names.first} : #{_1}", "least-most"] },
       *names.flat_map { ["#{_1} pages/s", "bytes"] }]
    end

    private_class_method :waits, :figures, :contest, :check, :weigh, :waits_of, :pages_of, :bytes_of_page, :headings
  end
end
