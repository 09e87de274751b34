# frozen_string_literal: true

# What TLS costs, beside nginx and caddy: to shake hands, and then for each request, in HTTP/2 and HTTP/1.1. Nothing is
# measured before the answers have been seen to be right, and to come in the version that the row is about.

require_relative "../certificate"
require_relative "../company"
require_relative "../contest"
require_relative "../curl"
require_relative "../failure"
require_relative "../fronts"
require_relative "../h2load"
require_relative "../handshakes"
require_relative "../origin"
require_relative "../page"
require_relative "../pages_origin"
require_relative "../statistics"
require_relative "../table"
require_relative "../wrk"

module Bench
  module Tls
    NEEDS = %w[nginx wrk h2load curl caddy].freeze
    DEFAULTS = { rounds: 7, seconds: 2, connections: 64, only: "" }.freeze
    WARM_UP = 1 # seconds
    LIMIT = 1.1 # CPU per handshake and per request, thrust to nginx

    # In HTTP/2 a client has one connection and asks for much at once, as a browser does that has just got a page.
    CONNECTIONS = 16
    STREAMS = 10

    PAGES = { "20KB" => Page.html(20_480) }.freeze

    # `load` is given a server and seconds; `check` a server, and raises unless that answers rightly. Nobody may ask
    # the origin for what is `kept`.
    Row = Struct.new(:name, :load, :check, :kept, keyword_init: true)

    # Rows for the same servers: thrust, this nginx, caddy if it can do what they are about, and the peers.
    Group = Struct.new(:rows, :nginx, :caddy, keyword_init: true)

    # What all rows are measured with.
    Means = Struct.new(:lab, :options, :limits, :certificate, :origin)

    def self.run(lab, options, limits)
      certificate = Certificate.new(lab)
      groups = [proxied(certificate, options), cached(certificate)]
      groups.each { |group| group.rows.select! { _1.name.include?(options.only) } }.reject! { _1.rows.empty? }
      raise Failure, "no row has #{options.only} in its name" if groups.empty?

      Handshakes.build
      means = Means.new(lab, options, limits, certificate, PagesOrigin.new(lab, options, pages: PAGES))
      names = ["thrust", "nginx", "caddy", *options.peers.map(&:first)]
      table = Table.new("", *headings(names), "", remark: true)
      others = groups.map { compete(means, _1, names, table) }.max
      puts "\nTLS 1.3: handshakes, HTTP/2 with #{STREAMS} requests at once on each of #{CONNECTIONS} connections, " \
           "HTTP/1.1 on #{options.connections}, median of #{options.rounds} rounds of #{options.seconds} s, " \
           "access log: #{options.log}\n\n",
           table, "", "Programs that are no part of this took #{others.round} % of the machine meanwhile."
    end

    def self.proxied(certificate, options)
      check = ->(version) { ->(server) { Curl.check(server, PagesOrigin::FRESH, **answer(certificate, version)) } }
      rows = %w[full resumed].map do |kind|
        load = ->(server, time) { Handshakes.run(server.port, kind, authority: certificate.authority, seconds: time) }
        Row.new(name: "#{kind} handshakes", load: load, check: check["2"])
      end
      rows << Row.new(name: "HTTP/2, 1 KB proxied", load: http2(PagesOrigin::FRESH, Origin::BODY), check: check["2"])
      rows << Row.new(name: "HTTP/1.1, 1 KB proxied", load: http1(PagesOrigin::FRESH, options), check: check["1.1"])
      Group.new(rows: rows, nginx: Fronts::Nginx, caddy: true)
    end

    def self.cached(certificate)
      name, page = PAGES.first
      path = "/plain/#{name}"
      check = ->(server) { Curl.settle(server, path, **answer(certificate, "2", page)) }
      Group.new(rows: [Row.new(name: "HTTP/2, 20 KB cached", load: http2(path, page), check: check, kept: true)],
                nginx: Fronts::NginxCache, caddy: false)
    end

    def self.answer(certificate, version, body = Origin::BODY)
      { version: version, body: body, authority: certificate.authority }
    end

    def self.http2(path, body)
      lambda do |server, seconds|
        H2load.run(server.port, path, length: body.bytesize, connections: CONNECTIONS, streams: STREAMS,
                                      seconds: seconds)
      end
    end

    def self.http1(path, options)
      lambda do |server, seconds|
        Wrk.run(server.port, Wrk::Ask.new(path), connections: options.connections, seconds: seconds,
                                                 secure: Certificate::NAME)
      end
    end

    # Adds the rows of a group; returns what others took of the machine meanwhile.
    def self.compete(means, group, names, table)
      fronts = start(means, group)
      Company.during([*fronts, means.origin.server]) do
        group.rows.each { |row| table.row(row.name, *figures(means, row, names, fronts)) }
      end
    ensure
      fronts&.each { means.lab.stop(_1) }
    end

    def self.start(means, group)
      lab, options, _, certificate, origin = *means
      kept = [CONNECTIONS * STREAMS, options.connections].max # each request at once has a connection to the origin
      settings = { "TLS_CERTIFICATE" => certificate.chain, "TLS_KEY" => certificate.key }
      fronts = Fronts.start(lab, options, target: origin.port, settings: settings,
                                          nginx: Fronts::NginxTls.new(group.nginx, certificate, kept))
      return fronts unless group.caddy

      fronts << Fronts::Caddy.new(certificate, kept).start(lab, options, target: origin.port)
    end

    # The cells of a row, without its name. Who does not compete has a dash.
    def self.figures(means, row, names, fronts)
      contest, verdict = contest(means, row, fronts)
      thrust, *others = names.map { |name| fronts.find { _1.name == name } }
      ratios = others.map { contest.ratios(thrust, _1, &:cpu) if _1 }
      verdict ||= means.limits.at_most(LIMIT, Statistics.median(ratios.first))
      [*cells(contest, [thrust, *others], "%.1f", &:cpu),
       *ratios.flat_map { _1 ? [format("%.2f", Statistics.median(_1)), format("%.2f-%.2f", *_1.minmax)] : %w[- -] },
       *cells(contest, [thrust, *others], "%.0f") { _1.load.per_second }, verdict]
    rescue Failure => failure
      [*headings(names).map { "" }, means.limits.missed(failure.message)]
    end

    # And the verdict, if it was not what the row is about that was measured.
    def self.contest(means, row, fronts)
      fronts.each { row.check[_1] }
      contest = Contest.new(fronts, means.options, title: row.name, load: row.load).warm_up(WARM_UP)
      asked = means.origin.asked_during { contest.run }
      [contest, (means.limits.missed("the origin was asked #{asked} times") if row.kept && asked.positive?)]
    end

    def self.cells(contest, fronts, form, &figure)
      fronts.map { |front| front ? format(form, contest.median(front, &figure)) : "-" }
    end

    def self.headings(names)
      [*names.map { "#{_1} us" }, *names.drop(1).flat_map { ["#{names.first} : #{_1}", "least-most"] },
       *names.map { "#{_1} /s" }]
    end

    private_class_method :proxied, :cached, :answer, :http2, :http1, :compete, :start, :figures, :contest, :cells,
                         :headings
  end
end
