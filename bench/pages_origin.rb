# frozen_string_literal: true

# What the caches ask: an nginx with pages that may be kept for a day, which counts how often it is asked.

require "fileutils"
require "open3"
require "zlib"
require_relative "debian"
require_relative "failure"
require_relative "nginx"
require_relative "origin"
require_relative "page"
require_relative "probe"

module Bench
  class PagesOrigin
    CODINGS = %w[gzip br].freeze
    KEY_SIZES = { "key" => 1_024, "small" => 200 }.freeze # bytes of each answer below /key/ and /small/
    KEEP = "public, max-age=86400"
    FRESH = "/fresh" # the 1 KB of Origin, which nobody may keep
    CHANGED = Time.at(1_700_000_000) # all pages, so that their tags are known beforehand

    attr_reader :server

    # Serves each of `pages`, a name and a text, as /plain/NAME and, coded already, as /gzip/NAME and /br/NAME. `keep`
    # is the Cache-Control of the first.
    def initialize(lab, options, pages: {}, keep: KEEP)
      folder = lab.path("pages")
      pages.each { |name, text| write(folder, name, text) }
      FileUtils.chmod_R("a+rX", folder) if pages.any?
      port = lab.free_port
      @server = Nginx.start(lab, "origin", port: port, workers: 1, clients: options.connections, http: <<~CONF)
        access_log off;
        server {
          listen 127.0.0.1:#{port} backlog=4096;
          keepalive_requests #{Origin::FOREVER};
          keepalive_timeout 1h;
          root #{folder};
          default_type text/html;
          add_header Cache-Control "#{keep}";
          location /plain/ { }
          #{CODINGS.map { coded(_1) }.join("\n")}
          #{KEY_SIZES.map { |name, size| keys(name, size) }.join("\n")}
          location = #{FRESH} {
            add_header Cache-Control no-store;
            return 200 "#{Origin::BODY.chomp}\\r\\n";
          }
          location = /asked { stub_status; }
        }
      CONF
    end

    # As nginx makes it.
    def self.tag(text) = format('"%<time>x-%<size>x"', time: CHANGED.to_i, size: text.bytesize)

    def port = @server.port

    # Requests while the block ran. The second question for the number is in the number.
    def asked_during
      before = asked
      yield
      asked - before - 1
    end

    private

    # Whatever is coded has been asked for with the Accept-Encoding that Vary speaks of.
    def coded(coding)
      <<~CONF
        location /#{coding}/ {
          add_header Cache-Control "#{KEEP}";
          add_header Vary Accept-Encoding;
          add_header Content-Encoding #{coding};
        }
      CONF
    end

    # Each answer names what was asked for, so that nobody gets another's unseen.
    def keys(name, size)
      path = "/#{name}/#{Page.ending(0)}"
      %(location /#{name}/ { return 200 "$uri #{"." * (size - path.length - 2)}\\n"; })
    end

    def write(folder, name, text)
      { "plain" => text, "gzip" => gzip(text), "br" => brotli(text) }.each do |coding, body|
        FileUtils.mkdir_p(File.join(folder, coding))
        File.binwrite(File.join(folder, coding, name), body)
        File.utime(CHANGED, CHANGED, File.join(folder, coding, name))
      end
    end

    # As somebody would who does it once: as small as it gets.
    def gzip(text) = Zlib.gzip(text, level: Zlib::BEST_COMPRESSION)

    def brotli(text)
      body, status = Open3.capture2(Debian.locate("brotli"), "--best", "--stdout", stdin_data: text, binmode: true)
      status.success? ? body : raise(Failure, "brotli failed: #{status}")
    end

    def asked
      Probe.get(port, "/asked").body[/^ *\d+ +\d+ +(\d+) *$/, 1].to_i
    end
  end
end
