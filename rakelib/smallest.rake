# frozen_string_literal: true

require "open3"
require "rubygems/package"
require "stringio"

# Has zopfli look longer for fewer bytes than zlib does. Three times as long as for 5 iterations would save 0.1 %.
ZOPFLI = "import sys, zopfli.gzip; sys.stdout.buffer.write(zopfli.gzip.compress(sys.stdin.buffer.read(), numiterations=5))"

# What packs a gem as RubyGems does, but into 3 % less, which is what speed by a profile costs: a gem is to stay below 3 MB.
# RubyGems promises no such place to step in; should it go, gems are larger, and the test of their size tells.
def smallest_package
  python = File.join(cross_tools, "bin/python") # compile.rake's
  Class.new(Gem::Package) do
    define_method(:gzip_to) do |out, &write|
      plain = StringIO.new("".b).tap(&write)
      packed, status = Open3.capture2(python, "-c", ZOPFLI, stdin_data: plain.string, binmode: true)
      status.success? ? out.write(packed) : abort("zopfli could not pack.")
    end
  end
end
