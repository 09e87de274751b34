# frozen_string_literal: true

# What an application finds in the gem after `require "thruster"`, as JSON: each module and class with its superclass, and
# each of their methods with its parameters. A program of its own, for tests load more of lib than applications do.

require "json"
require "thruster"

# Server and Settings call the extension, but can be looked at without it.
$LOAD_PATH.unshift("/without")
$LOADED_FEATURES << "/without/thruster/native.so"

def modules(within = Thruster, found = {})
  found[within.name] = within
  TOP.fetch(within, within.constants(false)).map { |name| within.const_get(name) }.grep(Module).each do |inner|
    modules(inner, found) unless found.key?(inner.name)
  end
  found
end

# Its own methods, by their names in a signature. Those that are private are nobody's to call, but in what others include.
def methods_of(part)
  own = part.singleton_methods(false).to_h { |method| ["self.#{method}", part.method(method)] }
  names = part.instance_methods(false)
  names += part.private_instance_methods(false) if part == Thruster::Tags
  names << :initialize if part.respond_to?(:new) && part.private_method_defined?(:initialize, false)
  own.merge(names.to_h { |method| [method.to_s, part.instance_method(method)] })
end

# As in a signature: that of `new`, for `initialize`.
def visibility(part, method)
  method != "initialize" && part.private_method_defined?(method) ? "private" : "public"
end

TOP = { Thruster => Thruster.constants(false) }.freeze # before anything is loaded on demand

puts JSON.generate(
  modules.transform_values do |part|
    { superclass: part.is_a?(Class) ? part.superclass.name : nil,
      methods: methods_of(part).map { |name, code| [name, visibility(part, name), code.parameters] } }
  end
)
