# frozen_string_literal: true

# What a hit costs: thrust's cache beside nginx's proxy_cache. Nothing is measured before both have been seen to answer
# from what they keep, rightly, and in the coding that the row is about. A row during which the origin was asked fails.

require_relative "../fronts"
require_relative "../loads"
require_relative "../many_keys"
require_relative "../page"
require_relative "../pages_origin"
require_relative "../probe"
require_relative "../row"

module Bench
  module Cache
    TITLE = "hits: 1, 20 and 400 KB, plain, gzip and br; 304; 10,000 keys"
    NEEDS = %w[brotli].freeze
    USUAL = true
    CLIENTS = 64

    PAGES = { "1 KB" => 1_024, "20 KB" => 20_480, "400 KB" => 409_600 }.to_h { |name, size| [name, Page.html(size)] }
    KEYS = 10_000
    HEADLINES = ["20 KB", "20 KB br", "304"].freeze

    def self.rows(lab, options)
      start = -> { PagesOrigin.new(lab, options, pages: PAGES.transform_keys { file(_1) }) }
      room = Room.new(start) do |origin|
        Fronts.start(lab, options, target: origin.port, nginx: Fronts::NginxCache)
      end
      rows = PAGES.flat_map { |name, text| page_rows(room, name, text) }
      [*rows, on_the_fly(room, "20 KB"), not_modified(room, "20 KB"), keys(room, lab)]
        .each { _1.headline = HEADLINES.include?(_1.name) }
    end

    # thrust makes a coding of what it keeps plain, once. The best that nginx can do is to keep what came coded.
    def self.page_rows(room, name, text)
      plain = ask("plain", name)
      coded = %w[gzip br].map do |coding|
        row(room, "#{name} #{coding}", ask("plain", name, coding), text, coding, for_nginx: ask(coding, name, coding))
      end
      [row(room, name, plain, text, nil), *coded]
    end

    # What people have who do not teach the application to compress: `gzip on`.
    def self.on_the_fly(room, name)
      row(room, "#{name} gzip, nginx codes each", ask("plain", name, "gzip"), PAGES.fetch(name), "gzip")
    end

    def self.not_modified(room, name)
      ask = Wrk::Ask.to("/plain/#{file(name)}", If_None_Match: PagesOrigin.tag(PAGES.fetch(name)))
      expected = Probe::Expected.new("304", nil, "")
      Row.new(name: "304", room: room, kept: true, load: Loads::Requests.for(ask, CLIENTS),
              check: ->(server) { Probe.settle(server, ask, expected) })
    end

    def self.keys(room, lab)
      keys = ManyKeys.new(lab, "/key/", KEYS)
      asked = nil
      load = Loads::Requests.new(->(_server) { asked ||= keys.zipf }, CLIENTS)
      check = lambda do |server|
        2.times { keys.fill(server) } # the second time finds what the first has brought
        PagesOrigin::KEY_SIZES.fetch("key")
      end
      Row.new(name: "#{KEYS} keys of 1 KB, Zipf", room: room, kept: true, load: load, check: check)
    end

    def self.row(room, name, ask, text, coding, for_nginx: ask)
      asks = ->(server) { server.name == "nginx" ? for_nginx : ask }
      expected = Probe::Expected.new("200", coding, text)
      Row.new(name: name, room: room, kept: true, load: Loads::Requests.new(asks, CLIENTS),
              check: ->(server) { Probe.settle(server, asks[server], expected) })
    end

    def self.ask(folder, name, coding = nil)
      path = "/#{folder}/#{file(name)}"
      coding ? Wrk::Ask.to(path, Accept_Encoding: coding) : Wrk::Ask.to(path)
    end

    def self.file(name) = name.delete(" ")
    private_class_method :page_rows, :on_the_fly, :not_modified, :keys, :row, :ask, :file
  end
end
