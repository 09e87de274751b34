# frozen_string_literal: true

require "rubygems/package"

# A packed gem: what it says of itself, and what is in it.
class Package
  Entry = Struct.new(:mode, :size, :time, :owner)

  attr_reader :path

  def initialize(path)
    @path = path
  end

  def spec
    @spec ||= Gem::Package.new(path).spec
  end

  # The files in it, by name.
  def entries
    @entries ||= {}.tap do |entries|
      each_file { |file| entries[file.full_name] = entry(file.header) }
    end
  end

  # The mode of each, by name.
  def modes
    entries.transform_values(&:mode)
  end

  def read(name)
    text = nil
    each_file { |file| text = file.read if file.full_name == name }
    text or raise "#{path} has no #{name}"
  end

  # Unpacks it, as an installation would, into this folder.
  def extract(directory)
    Gem::Package.new(path).extract_files(directory)
    directory
  end

  private

  def entry(header)
    Entry.new(header.mode & 0o777, header.size, header.mtime, [header.uid, header.gid])
  end

  def each_file(&block)
    File.open(path, "rb") do |package|
      Gem::Package::TarReader.new(package).seek("data.tar.gz") do |data|
        Zlib::GzipReader.wrap(data) { |files| Gem::Package::TarReader.new(files).each(&block) }
      end
    end
  end
end
