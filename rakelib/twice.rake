# frozen_string_literal: true

require "rubygems/package"
require "tmpdir"

# That the same sources give the same executable wherever they are is promised (compile.rake): here it is tried, on one that
# is about to be published. It takes as long as that took.

namespace :gem do
  desc "Build a packed gem's executable again, in another folder, and compare (PLATFORM=..., PROFILE=dev: a quick build's)"
  task :twice do
    platform = ENV.fetch("PLATFORM", Thruster::Platform::SUPPORTED.first)
    Dir.mktmpdir("thruster-twice") do |directory|
      package = package_path(platform)
      Gem::Package.new(package).extract_files(File.join(directory, "packed"))
      again = compile_elsewhere(platform, File.join(directory, "somewhere else"))
      same = FileUtils.identical?(File.join(directory, "packed/exe", platform, "thrust"), again)
      abort "#{package}: another folder gave another executable" unless same

      puts "#{package}: another folder gave the same executable"
    end
  end
end

# From a copy of what git knows, with a target folder of its own; the cross tools, which are pinned, are not fetched twice.
def compile_elsewhere(platform, copy)
  target = File.join(copy, "target")
  mkdir_p target, verbose: false
  ln_s cross_tools, File.join(target, "cross-tools"), verbose: false
  `git ls-files -z`.split("\0").each { |path| stage_file path, File.join(copy, path), File.stat(path).mode }

  source_date # for the copy has no commit to ask
  sh({ "CARGO_TARGET_DIR" => target }, "rake", "compile:#{platform}", chdir: copy)
  File.join(target, TARGETS.fetch(platform), ENV["PROFILE"] == "dev" ? "debug" : "release", "thrust")
end
