# frozen_string_literal: true

# What an executable for Linux says of itself (64 bits, little-endian), as the kernel reads it: see elf(5).
class Elf
  MACHINES = { 62 => "x86_64", 183 => "aarch64" }.freeze
  DYNAMIC = 2
  INTERPRETER = 3
  NEEDED = 1

  Segment = Struct.new(:kind, :offset, :size)

  def initialize(path)
    @bytes = File.binread(path)
    raise "#{path} is no ELF of 64 bits, little-endian" unless @bytes.start_with?("\x7fELF\x02\x01".b)
  end

  def machine
    MACHINES.fetch(@bytes.unpack1("S<", offset: 18))
  end

  # Whether another program has to load it: that of a C library, which another system need not have.
  def interpreted?
    segments.any? { |segment| segment.kind == INTERPRETER }
  end

  # How many libraries it wants to be loaded with it.
  def libraries
    segments.select { |segment| segment.kind == DYNAMIC }.sum do |segment|
      @bytes[segment.offset, segment.size].unpack("Q<*").each_slice(2).count { |tag, _| tag == NEEDED }
    end
  end

  private

  def segments
    start = @bytes.unpack1("Q<", offset: 32)
    size, count = @bytes.unpack("S<2", offset: 54)
    Array.new(count) do |index|
      kind, _, offset, _, _, length = @bytes.unpack("L<2Q<4", offset: start + index * size)
      Segment.new(kind, offset, length)
    end
  end
end
