# frozen_string_literal: true

# What it costs to send files: those that the application names (X-Sendfile, X-Accel-Redirect), and those of a folder
# that it is not asked for (STATIC_PATH, root). Each answer is verified before its row is measured.

require_relative "../company"
require_relative "../contest"
require_relative "../failure"
require_relative "../files_folder"
require_relative "../files_origin"
require_relative "../fronts"
require_relative "../origin"
require_relative "../probe"
require_relative "../statistics"
require_relative "../table"
require_relative "../wrk"

module Bench
  module Files
    NEEDS = %w[nginx wrk].freeze
    DEFAULTS = { rounds: 5, seconds: 2, connections: 64, only: "" }.freeze
    WARM_UP = 1 # seconds
    LIMIT = 1.1 # CPU per request, of long bodies per GB, thrust to nginx

    LONG = 1 << 20 # bytes of a body that is measured by the GB
    LONG_CONNECTIONS = 8 # the more, the more are under way when the time is over
    LONGEST_HEAD = 1_000 # bytes

    PART = ((1 << 20)...(2 << 20)) # of the longest file, by `Range`

    Row = Struct.new(:name, :ask, :expected, keyword_init: true) do
      def long? = expected.text.bytesize >= LONG
      def connections(options) = long? ? [options.connections, LONG_CONNECTIONS].min : options.connections

      # What thrust and nginx are compared by.
      def figure = long? ? :per_gigabyte : :cpu
    end

    # A table, and who competes in it. `settings` are thrust's.
    Group = Struct.new(:title, :rows, :nginx, :settings, keyword_init: true)

    def self.run(lab, options, limits)
      folder = FilesFolder.new(lab.path("files"))
      groups = [named(folder, lab.directory), served(folder)]
      groups.each { |group| group.rows.select! { _1.name.include?(options.only) } }.reject! { _1.rows.empty? }
      raise Failure, "no row has #{options.only} in its name" if groups.empty?

      origin = FilesOrigin.start(lab, options, root: lab.directory)
      groups.each { |group| compete(lab, options, limits, origin, group) }
    end

    def self.named(folder, root)
      rows = FilesFolder::NAMES.map { |title, name| whole(folder, title, "/files/#{name}") }
      Group.new(title: "files that the application names (X-Sendfile : X-Accel-Redirect)",
                rows: rows << part(folder), nginx: Fronts::NginxAccel.new(root), settings: {})
    end

    def self.served(folder)
      rows = FilesFolder::NAMES.map { |title, name| whole(folder, title, "/#{name}") }
      Group.new(title: "files of a folder (STATIC_PATH : root)", rows: rows.push(compressed(folder), none),
                nginx: Fronts::NginxStatic.new(folder.path), settings: { "STATIC_PATH" => folder.path })
    end

    def self.whole(folder, title, path)
      Row.new(name: title, ask: Wrk::Ask.new(path), expected: Probe::Expected.new("200", nil, folder.body(path)))
    end

    def self.part(folder)
      path = "/files/#{FilesFolder::NAMES.fetch("10 MB")}"
      body = folder.body(path)
      range = "#{PART.begin}-#{PART.end - 1}"
      Row.new(name: "1 MB of 10 MB", ask: Wrk::Ask.new(path, { "Range" => "bytes=#{range}" }),
              expected: Probe::Expected.new("206", nil, body[PART], "bytes #{range}/#{body.bytesize}"))
    end

    def self.compressed(folder)
      path = "/#{FilesFolder::COMPRESSED}"
      Row.new(name: "20 KB gzip", ask: Wrk::Ask.new(path, { "Accept-Encoding" => "gzip" }),
              expected: Probe::Expected.new("200", "gzip", folder.body(path)))
    end

    def self.none
      Row.new(name: "no file: 1 KB", ask: Wrk::Ask.new("/none"),
              expected: Probe::Expected.new("200", nil, Origin::BODY))
    end

    def self.compete(lab, options, limits, origin, group)
      fronts = Fronts.start(lab, options, target: origin.port, nginx: group.nginx, settings: group.settings)
      table = Table.new("", *headings(fronts), "", remark: true)
      others = Company.during([*fronts, origin]) do
        group.rows.each { |row| table.row(row.name, *figures(row, fronts, options, limits)) }
      end
      puts "\n#{group.title} over keep-alive, #{options.connections} connections, " \
           "#{LONG_CONNECTIONS} for long bodies, median of #{options.rounds} rounds of #{options.seconds} s, " \
           "access log: #{options.log}\n\n",
           table, "", "Programs that are no part of this took #{others.round} % of the machine meanwhile."
    ensure
      fronts&.each { lab.stop(_1) }
    end

    # The cells of a row, without its name.
    def self.figures(row, fronts, options, limits)
      contest = contest(row, fronts, options)
      ratios = fronts.drop(1).to_h { |other| [other.name, contest.ratios(fronts.first, other, &row.figure)] }
      [*cells(fronts, contest, "%.1f", &:cpu),
       *(row.long? ? cells(fronts, contest, "%.0f", &:per_gigabyte) : fronts.map { "" }),
       *ratios.values.flat_map { [format("%.2f", Statistics.median(_1)), format("%.2f-%.2f", *_1.minmax)] },
       *cells(fronts, contest, "%.0f") { _1.load.per_second },
       *cells(fronts, contest, "%.2f") { _1.load.gigabytes_per_second },
       limits.at_most(LIMIT, Statistics.median(ratios.fetch("nginx")))]
    rescue Failure => failure
      [*headings(fronts).map { "" }, limits.missed(failure.message)]
    end

    def self.contest(row, fronts, options)
      lengths = fronts.map { Probe.check(_1, row.ask, row.expected) }
      contest = Contest.new(fronts, options, title: row.name, asks: ->(_) { row.ask },
                                             connections: row.connections(options))
      contest.warm_up(WARM_UP).run
      fronts.zip(lengths) { |front, length| weigh(front, contest, length) }
      contest
    end

    # wrk looks at no body, and takes a 200 for a 206. But it counts bytes: those of whole answers, and of those that
    # were under way when the time was over.
    def self.weigh(front, contest, length)
      least, most = contest.range(front) { _1.load.bytes / _1.load.requests }
      return if least >= length && most < length * 2 + LONGEST_HEAD

      raise Failure, "#{front.name} sent #{least.round}-#{most.round} bytes for each answer of #{length}"
    end

    # The median of a figure, for each front.
    def self.cells(fronts, contest, form, &figure) = fronts.map { format(form, contest.median(_1, &figure)) }

    def self.headings(fronts)
      names = fronts.map(&:name)
      [*names.map { "#{_1} us/request" }, *names.map { "#{_1} ms/GB" },
       *names.drop(1).flat_map { ["#{names.first} : #{_1}", "least-most"] },
       *names.map { "#{_1} requests/s" }, *names.map { "#{_1} GB/s" }]
    end

    private_class_method :named, :served, :whole, :part, :compressed, :none, :compete, :figures, :contest, :weigh,
                         :cells, :headings
  end
end
