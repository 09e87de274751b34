# frozen_string_literal: true

require "test_helper"
require "support/signatures"

# sig/ has what an application can call in lib, and lib has what it says.
class SignaturesTest < ThrusterTest
  ROOT = File.expand_path("..", __dir__)
  FILES = Dir["#{ROOT}/sig/**/*.rbs"].freeze

  # What no application calls, and why it is public all the same.
  WITHOUT = {
    "Thruster::Cache::Control" => "the way to the socket, for Thruster::Cache alone",
    "Thruster::Cache::Log" => "what Thruster::Cache says to the logger",
    "Thruster::Settings self.texts" => "how Thruster::Server says its settings"
  }.freeze

  # `fetch(...)` hands on whatever it gets.
  ANY = [[:rest, :*], [:keyrest, :**], [:block, :&]].map(&:first).freeze

  # Those of RBS itself.
  BUILT_IN = %w[_ToS _ToHash bool bot void untyped nil self false].freeze

  def signatures
    @signatures ||= Signatures.new(FILES.map { |file| File.read(file) }.join)
  end

  def inventory
    @inventory ||= begin
      program = start("ruby", "-I#{ROOT}/lib", "#{ROOT}/test/support/inventory.rb")
      assert_equal 0, program.exit_status, program.said
      JSON.parse(program.out).except(*WITHOUT.keys)
    end
  end

  # What can be called, with its visibility and the kinds of its parameters.
  def real
    inventory.flat_map do |owner, part|
      part["methods"].map { |name, visibility, parameters| ["#{owner} #{name}", [visibility.to_sym, kinds(parameters)]] }
    end.to_h.except(*WITHOUT.keys)
  end

  def said
    signatures.methods.to_h { |one| ["#{one.owner} #{one.name}", [one.visibility, one.parameters]] }
  end

  # Without blocks, which any method takes, and the names of those that a call does not name.
  def kinds(parameters)
    kinds = parameters.map { |kind, name| %w[key keyreq].include?(kind) ? [kind.to_sym, name.to_sym] : [kind.to_sym] }
    kinds.map(&:first) == ANY ? :any : kinds - [[:block]]
  end

  test "every method has a signature, and every signature a method" do
    assert_equal real.keys.sort, said.keys.sort
  end

  test "a signature has the method's parameters" do
    real.each do |method, (visibility, parameters)|
      expected = parameters == :any ? said.fetch(method).last : parameters
      assert_equal [visibility, expected], said.fetch(method), method
    end
  end

  test "every module, class and superclass is as it says" do
    assert_empty inventory.keys - signatures.constants.keys
    signatures.constants.each do |name, superclass|
      assert_equal superclass, inventory.fetch(name)["superclass"].split("::").last, name if superclass
    end
  end

  test "every type that it names is there" do
    text = signatures.types.join(" , ")
    names = text.gsub(/\??\w+: /, "").scan(/(?<![\w"])[A-Z_a-z][\w:]*/).uniq - signatures.declared - BUILT_IN
    unknown = names.reject { |name| name.match?(/\A[A-Z]\z/) || (Object.const_defined?(name) if name.match?(/\A[A-Z]/)) }
    assert_empty unknown - parameter_names(text)
  end

  # `(?target? target)`: the last word of a parameter is its name.
  def parameter_names(text)
    text.scan(/[\w?\]] (\w+)(?=[,)]| ,|\z)/).flatten
  end

  test "the reader of signatures is a strict one" do
    ["def odd", "attr_writer name: String", "end", "module A", "type a", "def a: () ->", "alias a b"].each do |line|
      assert_raises(Signatures::Unreadable, line) { Signatures.new(line) }
    end
    text = "module A\n def self.b: (C[D, E] f, ?g: H, *I j, **K l) -> void\nend"
    read = Signatures.new(text).methods.first
    assert_equal ["A", "self.b", [[:req], [:key, :g], [:rest], [:keyrest]]], [read.owner, read.name, read.parameters]
  end
end
