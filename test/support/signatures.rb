# frozen_string_literal: true

# Reads as much of RBS as sig/ is written in, and takes exception to all else.
class Signatures
  # `owner` is a name such as "Thruster::Cache", `name` "purge" or, of the module itself, "self.default". `parameters` are as
  # Method#parameters has them, with the names of keywords alone, and without blocks.
  Signature = Struct.new(:owner, :name, :visibility, :parameters)

  # A line of the file that is none of the kinds known here.
  class Unreadable < StandardError; end

  OPENING = /\A(module|class|interface) ([A-Z_]\w*)(?: < ([\w:]+))?\z/
  DEFINITION = /\Adef ((?:self\.)?(?:\w+[?!=]?|\[\])): (.+)\z/
  # Type variables, parameters, perhaps a block, and what is returned.
  OVERLOAD = /\A(?:\[[A-Z]\w*\] )?\((?<parameters>(?:[^()]|\([^()]*\))*)\)(?: \??\{ \((?<block>[^{}]*)\})? -> (?<type>[^{}]+)\z/
  BRACKETS = { "(" => 1, "[" => 1, "{" => 1, ")" => -1, "]" => -1, "}" => -1 }.freeze

  attr_reader :methods, :constants, :types, :declared

  def initialize(text)
    @within = []
    @methods = []
    @constants = {} # each module or class, with its superclass, and each plain constant, with nil
    @types = []
    @declared = []
    text.each_line.with_index(1) do |line, number|
      read(line.sub(/\A\s*#.*/, "").strip) or raise Unreadable, "line #{number}: #{line}"
    end
    raise Unreadable, "#{@within.last} has no end" unless @within.empty?
  end

  private

  # What it could not read is nil.
  def read(line)
    case line
    when "" then true
    when "private" then @visibility = :private
    when "end" then @within.pop && @visibility = :public
    when OPENING then open($1, $2, $3)
    when /\Atype (\w+) = (.+)\z/ then @types.push($2) && @declared.push($1)
    when /\Ainclude (.+)\z/ then @types.push($1)
    when /\Aattr_reader (\w+): (.+)\z/ then @types.push($2) && define($1, [])
    when /\A([A-Z]\w*): (.+)\z/ then constant($1, $2)
    when DEFINITION then overload($2)&.then { |parameters| define($1, parameters) }
    when /\A\| (.+)\z/ then overload($1)&.then { |parameters| parameters == @last }
    end
  end

  def open(kind, name, superclass)
    @within << [kind, name]
    @declared << name
    @visibility = :public
    @constants[place] = superclass unless kind == "interface"
    true
  end

  def place
    @within.map(&:last).join("::")
  end

  def constant(name, type)
    @constants["#{place}::#{name}"] = nil
    @types << type
  end

  # Its parameters. Several overloads of a method have the same ones, and differ in their blocks.
  def overload(text)
    said = OVERLOAD.match(text) or return
    @types.push(said[:parameters], said[:type], said[:block].to_s)
    split(said[:parameters]).map { |parameter| parameter(parameter) }
  end

  def define(name, parameters)
    @last = parameters
    @methods << Signature.new(place, name, @visibility, parameters) unless @within.last.first == "interface"
    true
  end

  # At its commas, but for those within brackets.
  def split(text)
    depth = 0
    text.each_char.slice_when do |before, after|
      depth += BRACKETS.fetch(before, 0)
      depth.zero? && (before == "," || after == ",")
    end.map(&:join).reject { |part| part == "," }.map(&:strip)
  end

  def parameter(text)
    case text
    when /\A\*\*/ then [:keyrest]
    when /\A\*/ then [:rest]
    when /\A\?(\w+): / then [:key, $1.to_sym]
    when /\A(\w+): / then [:keyreq, $1.to_sym]
    when /\A\?/ then [:opt]
    else [:req]
    end
  end
end
