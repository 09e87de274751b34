# frozen_string_literal: true

# Loaded first of all into thrust in Ruby: threads that block no signal. Its child, which inherits RUBYOPT, does not mind.
3.times { Thread.new { sleep } }
