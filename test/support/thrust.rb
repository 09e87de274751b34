# frozen_string_literal: true

require "socket"

# A running thrust: its port, its log, and a client to talk to it.
class Thrust < Program
  # The child's port must be known before anyone listens on it. These are below those that systems
  # hand out themselves, so none of them is taken by chance.
  TARGET_PORTS = Queue.new.tap { |ports| (0...5_000).each { |n| ports << (20_000 + ((Process.pid + n) % 5_000)) } }

  def self.executable
    @executable ||= begin
      built = %w[debug release].map { |profile| File.join(ENV.fetch("CARGO_TARGET_DIR", "target"), profile, "thrust") }
      path = [ENV["THRUSTER_EXECUTABLE"], *built].compact.find { |candidate| File.executable?(candidate) }
      abort "There is no thrust to test. Type: cargo build" unless path
      File.expand_path(path)
    end
  end

  # A port for a server that starts later.
  def self.free_port
    port = TARGET_PORTS.pop(true)
    TCPServer.new("0.0.0.0", port).close
    port
  rescue Errno::EADDRINUSE
    retry
  end

  attr_reader :target_port

  # Listens on a port of the system's choice unless `env` says otherwise; `within` are words before the command.
  def initialize(*words, env: {}, within: [], executable: self.class.executable, **options)
    @target_port = env.fetch("TARGET_PORT") { self.class.free_port }.to_i
    super(*within, executable, *words,
          env: { "HTTP_PORT" => "0", "TARGET_PORT" => target_port.to_s }.merge(env), **options)
  end

  # Waits until it listens.
  def await_start
    address
    self
  end

  # Where it listens for HTTP, as it says so.
  def address
    await("its start") { messages("Server started").first }.fetch("http")
  end

  def port
    Integer(address[/\d+\z/])
  end

  # The lines of its log so far. What the child says is among its output, but does not begin with a brace.
  def log
    out.each_line.select { |line| line.start_with?("{") && line.end_with?("\n") }.map { |line| JSON.parse(line) }
  end

  def messages(text)
    log.select { |line| line["msg"] == text }
  end

  def requests
    messages("Request")
  end

  # Waits for that many lines about requests.
  def await_requests(count = 1)
    await("#{count} requests in the log") { requests.then { |lines| lines if lines.size >= count } }
  end

  # The child's process, if the child is Puma.
  def puma_pid
    Integer(out[/PID: (\d+)/, 1])
  end

  def client
    Client.new(port)
  end

  def get(path = "/", headers = {})
    client.get(path, headers)
  end
end
