# frozen_string_literal: true

# Files to be sent: short and long ones, and one that has been compressed beforehand.

require "fileutils"
require "zlib"
require_relative "page"

module Bench
  class FilesFolder
    NAMES = { "1 KB" => "1KB.html", "20 KB" => "20KB.html", "10 MB" => "10MB.bin" }.freeze
    COMPRESSED = NAMES.fetch("20 KB")

    attr_reader :path

    def initialize(path)
      @path = path
      FileUtils.mkdir_p(path)
      @bodies = { "1KB.html" => Page.html(1_024), "20KB.html" => Page.html(20_480),
                  "10MB.bin" => Random.new(Page::SEED).bytes(10 << 20) }
      @bodies.each { |name, body| File.binwrite(File.join(path, name), body) }
      # The last: a neighbour that is older than its file would be taken for what is left of an earlier one.
      File.binwrite(File.join(path, "#{COMPRESSED}.gz"), Zlib.gzip(body(COMPRESSED), level: Zlib::BEST_COMPRESSION))
      FileUtils.chmod_R("a+rX", path)
    end

    # The bytes of the file that a path ends in.
    def body(path) = @bodies.fetch(File.basename(path))
  end
end
