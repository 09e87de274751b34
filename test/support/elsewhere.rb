# frozen_string_literal: true

# Has this Ruby believe that it runs on the machine that RUBY_MACHINE names, such as x86_64-linux-musl or riscv64-linux;
# for `ruby -r`. Only names are different, which is all that choosing a gem is about.
cpu, os = ENV.fetch("RUBY_MACHINE").split("-", 2)
RbConfig::CONFIG.update("arch" => "#{cpu}-#{os}", "host_cpu" => cpu, "host_os" => os, "target_cpu" => cpu, "target_os" => os)

# Newer RubyGems tell musl from glibc, though not under the Ruby 3.1 of these tests.
if Gem.rubygems_version >= Gem::Version.new("3.4")
  Gem::Platform.prepend(Module.new do
    def initialize(name)
      super
      self.version ||= "musl" if name.to_s.end_with?("-linux-musl")
    end
  end)
end

# RubyGems has asked already.
Gem::Platform.instance_variable_set(:@local, Gem::Platform.new(RbConfig::CONFIG["arch"]))
Gem.platforms = [Gem::Platform::RUBY, Gem::Platform.local]
