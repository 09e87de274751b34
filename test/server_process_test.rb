# frozen_string_literal: true

require "test_helper"
require "support/extension"

# What Thruster::Server does to the process it is in: a Ruby of its own for each test.
class ServerProcessTest < ThrusterTest
  LIB = File.expand_path("../lib", __dir__)

  # A server behind it in a few lines, since Puma would add threads of its own.
  BEGIN_WITH = <<~'RUBY'
    require "thruster"
    require "socket"
    APP = TCPServer.new("127.0.0.1", 0)
    def answer = APP.accept.then { |it| it.gets("\r\n\r\n") && it.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi") && it.close }
    def serve = Thread.new { loop { answer } }
    def ask(port) = TCPSocket.open("127.0.0.1", port) { |it| it.write("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n") && it.read[/\d{3}/] }
    def new_server(**settings) = Thruster::Server.new(target_port: APP.addr[1], **settings)
    def say(*words) = $stdout.syswrite("#{words.join(" ")}\n")
    def wait_until
      deadline = Process.clock_gettime(Process::CLOCK_MONOTONIC) + 30
      Thread.pass until yield || Process.clock_gettime(Process::CLOCK_MONOTONIC) > deadline
    end
  RUBY

  def ruby(code, env: {})
    start(RbConfig.ruby, "--disable=gems", "-W1", "-I#{LIB}", "-I#{Extension.folder}", "-e", BEGIN_WITH + code, env: env)
  end

  # It ends well, and says this alone.
  def assert_says(expected, program)
    assert_equal [0, expected, ""], [program.exit_status, program.out, program.err]
  end

  test "a hundred starts and stops leave no thread, descriptor or memory behind" do
    only_on_linux
    assert_says "true\ntrue\ntrue\n", ruby(<<~'RUBY')
      serve
      look = -> { [Dir["/proc/self/task/*"].size, Dir["/proc/self/fd/*"].size, File.read("/proc/self/statm").split[1].to_i * 4096] }
      cycle = ->(_) { new_server.start.then { |server| ask(server.port) == "200" or abort "no answer"; server.stop } }
      10.times(&cycle)
      GC.start
      threads, files, memory = look.call
      100.times(&cycle)
      GC.start
      # A thread may need a moment to go after its last word.
      wait_until { look.call[0] <= threads }
      say look.call[0] <= threads
      say look.call[1] <= files
      say look.call[2] - memory < 8_000_000
    RUBY
  end

  test "a server of the parent is told from one's own after a fork" do
    assert_says <<~SAID, ruby(<<~'RUBY')
      child: started by another
      child: started by another
      child: started by another
      child: not running
      child: 200
      child ended: true
      parent: 200
      again: 200
    SAID
      serve
      server = new_server.start
      unused = new_server
      pid = fork do
        serve
        %i[start stop port].each do |name|
          server.public_send(name)
        rescue Thruster::Server::Error => error
          say "child:", error.message[/started by/] && error.message.include?(Process.ppid.to_s) ? "started by another" : error.message
        end
        say "child:", server.running? ? "running" : "not running"
        say "child:", ask(unused.start.port)
        server = nil
        3.times { GC.start }
      end
      say "child ended:", Process.wait2(pid).last.success?
      say "parent:", ask(server.port)
      server.stop
      say "again:", ask(server.start.port)
    RUBY
  end

  test "one that the parent has stopped is anybody's after a fork" do
    assert_says "child: 200\nparent: 200\n", ruby(<<~'RUBY')
      serve
      server = new_server.start.stop
      fork do
        serve
        say "child:", ask(server.start.port)
        server.stop
      end
      Process.wait
      say "parent:", ask(server.start.port)
    RUBY
  end

  test "a port is free after a stop, although a fork lives on" do
    assert_says "200\n200\n", ruby(<<~'RUBY')
      serve
      server = new_server.start
      port = server.port
      held, hold = IO.pipe
      fork { hold.close && held.read }
      say ask(port)
      server.stop
      new_server(http_port: port).start.then { |again| say ask(again.port) }
      hold.close
      Process.wait
    RUBY
  end

  test "what the garbage collector finds stops by itself" do
    assert_says "stopped\n", ruby(<<~'RUBY')
      ports = Array.new(5) { new_server.start.port }
      is_open = ->(port) { TCPSocket.open("127.0.0.1", port) { true } rescue false }
      # What lies on the stack may be kept; not all of them do.
      wait_until { GC.start.nil? && ports.count(&is_open) < 5 }
      say ports.count(&is_open) < 5 ? "stopped" : "all still there"
    RUBY
  end

  test "it works while the garbage collector is at its worst" do
    assert_says "200\nan error\nArgumentError\n3000\n", ruby(<<~'RUBY')
      serve
      [Thruster::Server, Thruster::Settings] # loaded first: parsing would take minutes
      GC.stress = true
      server = new_server(trusted_proxies: %w[10.0.0.0/8 private], tls_domain: nil).start
      say ask(server.port)
      begin
        new_server(http_port: server.port).start
      rescue Thruster::Server::Error
        say "an error"
      end
      server.stop
      begin
        new_server(debug: "maybe")
      rescue ArgumentError => error
        say error.class
      end
      say Thruster::Settings.load("CACHE_SIZE" => "1MB").fetch(:target_port)
    RUBY
  end

  test "signals and the exit stay Ruby's" do
    program = ruby(<<~'RUBY')
      serve
      new_server.start
      trap("TERM") { say "trapped"; exit 7 }
      at_exit { say "at exit" }
      say "ready"
      loop { sleep }
    RUBY
    program.await_output(/^ready$/)
    program.signal "TERM"
    assert_equal [7, "ready\ntrapped\nat exit\n", ""], [program.exit_status, program.out, program.err]
  end

  test "no thread of it takes a signal" do
    only_on_linux
    assert_says "core-0 true\nencoder true\nfront true\n", ruby(<<~'RUBY')
      new_server.start
      ours = nil
      # A thread says its name itself.
      wait_until do
        ours = Dir["/proc/self/task/*"].to_h { |task| [File.read("#{task}/comm").chomp, File.read("#{task}/status")] }
        %w[core-0 encoder front].all? { |name| ours.key?(name) }
      end
      ours.slice("core-0", "encoder", "front").sort.each do |name, status|
        mask = status[/^SigBlk:\s*(\h+)/, 1].hex
        say name, %w[INT TERM HUP CHLD USR1 VTALRM].all? { |signal| mask[Signal.list[signal] - 1] == 1 }
      end
    RUBY
  end

  test "it looks at no variable, and logs nothing unless it is asked to" do
    program = ruby(<<~'RUBY', env: { "THRUSTER_LOG_REQUESTS" => "1", "THRUSTER_CACHE_SIZE" => "nonsense" })
      serve
      Thruster::Server.start(target_port: APP.addr[1]) { |server| ask(server.port) }
      say "now"
      Thruster::Server.start(target_port: APP.addr[1], log_requests: true) { |server| ask(server.port) }
    RUBY
    assert_equal 0, program.exit_status
    assert_equal "now\n", program.out.lines.first
    assert_equal ["Server started", "Request"], program.out.lines.drop(1).map { |line| JSON.parse(line)["msg"] }
  end

  test "two servers keep their logs apart" do
    program = ruby(<<~'RUBY')
      serve
      loud = new_server(debug: true, log_requests: false).start
      quiet = new_server.start
      ask(quiet.port)
      quiet.stop
      loud.stop
    RUBY
    assert_equal 0, program.exit_status
    assert_equal 1, program.out.scan("Server started").size
  end

  test "a trap may stop a server that is just starting" do
    program = ruby(<<~'RUBY')
      server = new_server
      traps = 0
      trap("USR1") { server.stop; traps += 1 }
      text = "x" * 50_000_000
      5.times do
        # It comes while Ruby copies, which does not look for signals, and so is due in `start`.
        sender = Process.detach(spawn("kill -USR1 #{$$}"))
        both = text + text
        server.start
        sender.join
        server.start.stop
      end
      puts traps
    RUBY
    assert_equal 0, program.exit_status
    assert_equal "5\n", program.out
  end

  test "what a trap raises ends the start that it came in, and harms nothing" do
    program = ruby(<<~'RUBY')
      server = new_server
      trap("USR1") { raise "enough" }
      text = "x" * 50_000_000
      raised = 5.times.count do
        sender = Process.detach(spawn("kill -USR1 #{$$}"))
        both = text + text
        server.start
        sender.join
        nil
      rescue RuntimeError
        sender&.join # it may have been as quick as that
        true
      end
      server.start
      puts raised, server.running?
      server.stop
    RUBY
    assert_equal 0, program.exit_status
    assert_equal "5\ntrue\n", program.out
  end

  test "without the extension, it says what to type" do
    said = said_without_extension
    ["gem install thruster --platform ruby", "force_ruby_platform: true"].each do |words|
      assert_equal 2, said.scan(words).size, said
    end
  end

  test "a source gem that was compiled without it says so" do
    FileUtils.mkdir_p "#{scratch}/ext/thruster"
    FileUtils.touch "#{scratch}/ext/thruster/extconf.rb"
    said = said_without_extension
    assert_equal 2, said.scan("gem pristine thruster").size, said
    refute_includes said, "--platform"
  end

  private

  def said_without_extension
    FileUtils.cp_r LIB, "#{scratch}/lib"
    FileUtils.rm_f Dir["#{scratch}/lib/thruster/native.{so,bundle}"]
    program = start(RbConfig.ruby, "-I#{scratch}/lib", "-e", <<~'RUBY')
      require "thruster"
      %i[Server Settings].each do |name|
        Thruster.const_get(name)
      rescue LoadError => error
        puts error.message
      end
    RUBY
    assert_equal 0, program.exit_status
    program.out
  end
end
