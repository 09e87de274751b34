# frozen_string_literal: true

# Leaves an orphan behind, and says so when the last trace of it is gone.
reader, writer = IO.pipe
Process.wait(fork { fork { writer.puts(Process.pid) } })
orphan = reader.gets.chomp

# No one is told when a process is reaped: one can only look.
deadline = Process.clock_gettime(Process::CLOCK_MONOTONIC) + 20
while File.exist?("/proc/#{orphan}")
  abort "the orphan is still there" if Process.clock_gettime(Process::CLOCK_MONOTONIC) > deadline
  sleep 0.01
end
puts "the orphan is gone"
