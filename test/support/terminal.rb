# frozen_string_literal: true

require "io/console"
require "pty"

# A program at a terminal of its own, and somebody who types.
class Terminal
  # A terminal that says little of itself gets plain text from all shells.
  PLAIN = { "TERM" => "dumb", "LANG" => "C.UTF-8" }.freeze

  def initialize(*command, env: {}, directory: Dir.pwd)
    @screen, @keys, @pid = PTY.spawn(Program::INHERITED.merge(PLAIN, env), *command, unsetenv_others: true, chdir: directory)
    @keys.winsize = [50, 200]
    @text = +""
  end

  def type(keys)
    @keys.write(keys)
  end

  # Waits for the pattern, and returns all up to its end.
  def read_until(pattern)
    deadline = Patience.deadline
    until (place = @text.match(pattern))
      @screen.wait_readable(Patience.left(deadline, "#{pattern.inspect} after #{@text.inspect}"))
      @text << @screen.readpartial(65_536).force_encoding(Encoding::UTF_8)
    end
    @text.slice!(0, place.end(0))
  rescue EOFError, Errno::EIO
    raise Patience::Exhausted, "it ended before #{pattern.inspect}: #{@text.inspect}"
  end

  def close
    Process.kill(:KILL, @pid)
    Process.wait(@pid)
  ensure
    @screen.close
    @keys.close
  end
end
