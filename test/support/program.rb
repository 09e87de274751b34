# frozen_string_literal: true

require "monitor"
require "pty"

# A program that runs beside the test: its output as it comes, the events in it, its end.
class Program
  # What a program inherits from whoever runs the tests; any other variable could be a setting of thrust.
  INHERITED = ENV.to_h.slice("PATH", "HOME", "USER", "LANG", "LC_ALL", "TMPDIR")
                 .merge(ENV.select { |name,| name.start_with?("GEM_", "BUNDLE", "RUBY") }).freeze

  attr_reader :pid

  # With `terminal`, its standard output is one. `descriptors` are those it gets beside the standard three.
  def initialize(*command, env: {}, directory: Dir.pwd, input: File::NULL, terminal: false, descriptors: {})
    @command = command
    @monitor = Monitor.new
    @news = @monitor.new_cond
    @out, out = terminal ? PTY.open : IO.pipe
    @err, err = IO.pipe
    @pid = spawn(INHERITED.merge(env), *command, in: input, out: out, err: err, chdir: directory,
                                                 pgroup: true, unsetenv_others: true, **descriptors)
    out.close
    err.close
    watch
  end

  def out
    @monitor.synchronize { @text[:out].dup }
  end

  def err
    @monitor.synchronize { @text[:err].dup }
  end

  # Everything it said, wherever it said it.
  def said
    out + err
  end

  # Waits until its standard output has the pattern, `times` times.
  def await_output(pattern, times: 1)
    await("#{pattern.inspect} (#{times} times)") { @text[:out].scan(pattern).size >= times }
    self
  end

  def signal(name)
    Process.kill(name, pid)
  end

  # Waits for its end and that of everyone who could still write to its output: so when there is a
  # status, neither a child nor a grandchild is left behind.
  def status
    await("its end") { ended? }
    @status
  end

  # Its exit status as a shell would show it.
  def exit_status
    status.exitstatus || (128 + status.termsig)
  end

  alias await_end status # where the status does not matter

  def stop
    Process.kill(:KILL, -pid)
  rescue Errno::ESRCH
    # it has ended, as have those it started
  ensure
    @threads.each { |thread| thread.join(Patience::LIMIT) }
    @out.close
    @err.close
  end

  private

  def watch
    @text = { out: +"", err: +"" }
    @threads = [
      Thread.new { collect(@out, @text[:out]) },
      Thread.new { collect(@err, @text[:err]) },
      Thread.new { Process.wait2(pid).then { |_, status| tell { @status = status } } }
    ]
    @threads.each { |thread| thread.report_on_exception = false }
  end

  def collect(pipe, text)
    loop { pipe.readpartial(65_536).then { |piece| tell { text << piece.force_encoding(Encoding::UTF_8) } } }
  rescue EOFError, Errno::EIO # EIO: how a terminal says that no one is left
    tell { @closed = @closed.to_i + 1 }
  end

  def tell
    @monitor.synchronize do
      yield
      @news.broadcast
    end
  end

  # Waits until the block, asked again at each piece of news, is true.
  def await(event)
    deadline = Patience.deadline
    @monitor.synchronize do
      until (answer = yield)
        raise Patience::Exhausted, "it ended (#{@status}) before #{event}" if ended?

        @news.wait(Patience.left(deadline, event))
      end
      answer
    end
  rescue Patience::Exhausted => error
    raise error, "#{@command.join(" ")}: #{error.message}\n--- out\n#{out[-5_000..] || out}\n--- err\n#{err}"
  end

  def ended?
    @status && @closed == 2
  end
end
