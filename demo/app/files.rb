# frozen_string_literal: true

require "fileutils"

module Demo
  # Files that are made when they are first asked for. Puma only names them (X-Sendfile), and thrust sends them; what it
  # keeps is the name, so a file that is swept is made anew at once.
  module Files
    FOLDER = File.expand_path("../tmp/files", __dir__)

    def self.page
      sent("page.html", "public, max-age=3600") { |file| file.puts "<p>made at #{Time.now.utc.iso8601(3)}" }
    end

    # The noise of Download, as a file. Ask for a part of it: `curl -r 0-99`.
    def self.noise
      sent("noise.bin", "public, max-age=3600") { |file| Download.new.each { |block| file.write(block) } }
    end

    def self.sweep
      FileUtils.rm_f(File.join(FOLDER, "page.html"))
    end

    def self.sent(name, cache_control, &make)
      files = Rack::Files.new(FOLDER, { "cache-control" => cache_control })
      lambda do |request|
        path = File.join(FOLDER, name)
        write(path, &make) unless File.exist?(path)
        files.serving(request, path)
      end
    end

    # Under another name until it is whole: somebody may ask meanwhile.
    def self.write(path, &make)
      FileUtils.mkdir_p(FOLDER)
      draft = "#{path}.#{Thread.current.object_id}"
      File.open(draft, "wb", &make)
      File.rename(draft, path)
    end

    private_class_method :sent, :write
  end
end
