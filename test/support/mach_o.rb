# frozen_string_literal: true

require "digest"

# What an executable for macOS says of itself (64 bits): see Apple's <mach-o/loader.h>, and <kern/cs_blobs.h> for
# the signature.
class MachO
  PROCESSORS = { 0x0100_0007 => "x86_64", 0x0100_000c => "arm64" }.freeze
  EXECUTABLE = 2
  HEADER_SIZE = 32

  LOAD_LIBRARY = 0xc
  SIGNATURE = 0x1d
  BUILD_VERSION = 0x32
  MACOS = 1

  CODE_DIRECTORY = 0xfade_0c02
  SHA256 = 2

  Command = Struct.new(:kind, :bytes)

  def initialize(path)
    @bytes = File.binread(path)
    raise "#{path} is no Mach-O of 64 bits" unless @bytes.unpack1("L<") == 0xfeed_facf
  end

  def processor
    PROCESSORS.fetch(@bytes.unpack1("L<", offset: 4))
  end

  def executable?
    @bytes.unpack1("L<", offset: 12) == EXECUTABLE
  end

  # The oldest macOS that it runs on, such as "11.0".
  def minimum_system
    platform, version = only(BUILD_VERSION).bytes.unpack("L<2", offset: 8)
    raise "it is for platform #{platform}, not for macOS" unless platform == MACOS

    "#{version >> 16}.#{(version >> 8) & 0xff}"
  end

  # The paths of the libraries it wants to be loaded with it.
  def libraries
    commands.select { |command| command.kind == LOAD_LIBRARY }.map do |command|
      command.bytes.unpack1("Z*", offset: command.bytes.unpack1("L<", offset: 8))
    end
  end

  def signed?
    commands.any? { |command| command.kind == SIGNATURE }
  end

  # Whether each of its pages is what was signed: macOS kills a program for ARM that has another.
  def signature_valid?
    hash_offset, _, _, count, limit, size, kind, _, page = code_directory.unpack("L>5C4", offset: 16)
    raise "its signature has hashes of kind #{kind}" unless kind == SHA256

    pages = @bytes[0, limit].scan(/.{1,#{1 << page}}/mn)
    hashes = code_directory[hash_offset, count * size].scan(/.{#{size}}/mn)
    pages.map { |bytes| Digest::SHA256.digest(bytes) } == hashes
  end

  private

  def only(kind)
    found = commands.select { |command| command.kind == kind }
    found.size == 1 ? found.first : raise("it has #{found.size} load commands of kind #{kind}")
  end

  def commands
    @commands ||= begin
      offset = HEADER_SIZE
      Array.new(@bytes.unpack1("L<", offset: 16)) do
        kind, size = @bytes.unpack("L<2", offset: offset)
        offset += size
        Command.new(kind, @bytes[offset - size, size])
      end
    end
  end

  # The one of the signature's parts that has the hashes.
  def code_directory
    @code_directory ||= begin
      blob = @bytes[*only(SIGNATURE).bytes.unpack("L<2", offset: 8)]
      count = blob.unpack1("L>", offset: 8)
      parts = blob.unpack("L>#{2 * count}", offset: 12).each_slice(2).map { |_, offset| blob[offset..] }
      parts.find { |part| part.unpack1("L>") == CODE_DIRECTORY }
    end
  end
end
