# frozen_string_literal: true

# Says which signals it gets, and lives on.
ARGV.each { |name| trap(name) { $stdout.syswrite("got #{name}\n") } }
$stdout.syswrite("ready\n")
loop { sleep }
