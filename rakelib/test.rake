# frozen_string_literal: true

require "rake/testtask"

Rake::TestTask.new do |test|
  test.description = "Test the gem and the executable (target/debug/thrust, or THRUSTER_EXECUTABLE) as their users meet them"
  test.libs = %w[lib test]
  test.pattern = "test/**/*_test.rb"
  test.warning = true
end
