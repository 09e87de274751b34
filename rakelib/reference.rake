# frozen_string_literal: true

require_relative "reference/reference"

desc "Write man/ and completions/ from what thrust --help says (EXECUTABLE=path: of this executable)"
task :reference do
  executable = ENV.fetch("EXECUTABLE") do
    sh "cargo", "build", "--locked", "--package", "thrust"
    File.join(ENV.fetch("CARGO_TARGET_DIR", "target"), "debug", "thrust")
  end
  Reference.new(executable).files.each do |path, text|
    mkdir_p File.dirname(path), verbose: false
    File.write(path, text)
    puts path
  end
end
