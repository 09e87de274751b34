# frozen_string_literal: true

# What it costs to send files: those that the application names (X-Sendfile, X-Accel-Redirect), and those of a folder
# that it is not asked for (STATIC_PATH, root). Each answer is verified before its row is measured.

require_relative "../files_folder"
require_relative "../files_origin"
require_relative "../fronts"
require_relative "../loads"
require_relative "../origin"
require_relative "../probe"
require_relative "../row"

module Bench
  module Files
    TITLE = "X-Sendfile: 20 KB, 10 MB and a range; files of a folder"
    NEEDS = [].freeze
    USUAL = true
    CLIENTS = 64

    LONG = 1 << 20 # bytes of a body that fewer ask for
    LONG_CONNECTIONS = 8 # the more, the more are under way when the time is over

    SHORT = "X-Sendfile 20 KB"
    PART = ((1 << 20)...(2 << 20)) # of the longest file, by `Range`

    def self.rows(lab, options)
      folder = FilesFolder.new(lab.path("files"))
      origin = nil
      start = -> { origin ||= FilesOrigin.start(lab, options, root: lab.directory) }
      [*named(Room.new(start) { naming(lab, options, _1) }, folder),
       *served(Room.new(start) { serving(lab, options, _1, folder) }, folder)]
    end

    def self.naming(lab, options, origin)
      Fronts.start(lab, options, target: origin.port, nginx: Fronts::NginxAccel.new(lab.directory),
                                 caddy: Fronts::CaddyFiles.named(lab.directory))
    end

    def self.serving(lab, options, origin, folder)
      Fronts.start(lab, options, target: origin.port, settings: { "STATIC_PATH" => folder.path },
                                 nginx: Fronts::NginxStatic.new(folder.path),
                                 caddy: Fronts::CaddyFiles.served(folder.path))
    end

    def self.named(room, folder)
      paths = FilesFolder::NAMES.transform_values { "/files/#{_1}" }
      long = folder.body(paths.fetch("10 MB"))
      range = "#{PART.begin}-#{PART.end - 1}"
      [*["20 KB", "10 MB"].map { |name| row(room, "X-Sendfile #{name}", paths[name], folder.body(paths[name])) },
       row(room, "X-Sendfile 1 MB of 10 MB", paths["10 MB"], long[PART], fields: { Range: "bytes=#{range}" },
           status: "206", range: "bytes #{range}/#{long.bytesize}")].each { _1.headline = _1.name == SHORT }
    end

    def self.served(room, folder)
      names = FilesFolder::NAMES
      [row(room, "folder 20 KB", "/#{names["20 KB"]}", folder.body(names["20 KB"])),
       row(room, "folder 20 KB gzip", "/#{FilesFolder::COMPRESSED}", folder.body(FilesFolder::COMPRESSED),
           fields: { Accept_Encoding: "gzip" }, coding: "gzip"),
       row(room, "folder, but no such file: 1 KB proxied", "/none", Origin::BODY)]
    end

    def self.row(room, name, path, body, fields: {}, coding: nil, status: "200", range: nil)
      ask = Wrk::Ask.to(path, **fields)
      connections = body.bytesize >= LONG ? LONG_CONNECTIONS : CLIENTS
      expected = Probe::Expected.new(status, coding, body, range)
      Row.new(name: name, room: room, load: Loads::Requests.for(ask, connections),
              check: ->(server) { Probe.check(server, ask, expected) })
    end
    private_class_method :naming, :serving, :named, :served, :row
  end
end
