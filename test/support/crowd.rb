# frozen_string_literal: true

require "monitor"
require "socket"

# Clients that ask without a pause over kept connections, GET and POST in turn, and open a new one where the old
# one was closed before they asked. What was sent and not answered in full is lost: there is no excuse.
class Crowd
  # How long someone waited for an answer, and when it came.
  Answer = Struct.new(:seconds, :at)

  # Why a request got no whole answer, or none of the application's.
  class Lost < StandardError; end

  REQUESTS = { "GET" => "GET / HTTP/1.1\r\nHost: example.test\r\n\r\n",
               "POST" => "POST / HTTP/1.1\r\nHost: example.test\r\nContent-Length: 5\r\n\r\nhello" }.freeze

  def initialize(port, clients, methods: REQUESTS.keys)
    @port = port
    @methods = methods
    @monitor = Monitor.new
    @news = @monitor.new_cond
    @found = { answers: [], lost: [], refused: [] }
    @threads = Array.new(clients) { Thread.new { ask_on } }
    @threads.each { |thread| thread.report_on_exception = false }
  end

  # What became of requests: answered, sent in vain (in words), or not sent because nobody listened (in words).
  %i[answers lost refused].each do |kind|
    define_method(kind) { @monitor.synchronize { @found[kind].dup } }
  end

  # Waits until so many more have been answered, and nothing happened to any other.
  def await_answers(count)
    deadline = Patience.deadline
    @monitor.synchronize do
      goal = @found[:answers].size + count
      until @found[:answers].size >= goal
        raise Lost, @found.slice(:lost, :refused).inspect unless @found[:lost].empty? && @found[:refused].empty?

        @news.wait(Patience.left(deadline, "#{count} answers"))
      end
    end
  end

  # Everybody goes after the answer they are waiting for, unless they have gone because nobody listens any more.
  def close
    @over = true
    @threads.each { |thread| thread.join(Patience::LIMIT) or raise Patience::Exhausted, "somebody waits for an answer still" }
  end

  private

  def ask_on
    methods = @methods.cycle
    socket = nil
    until @over
      socket = connection(socket) or return
      socket = exchange(socket, methods.next)
    end
  ensure
    socket&.close
  end

  # The same again, or a new one if the other side has closed it; nil if nobody listens.
  def connection(socket)
    return socket if socket && !socket.wait_readable(0)

    socket&.close
    TCPSocket.new("127.0.0.1", @port)
  rescue SystemCallError => error
    tell(:refused, error.message)
    nil
  end

  # The connection if it may be used again, else nil.
  def exchange(socket, method)
    asked = Patience.now
    socket.write(REQUESTS.fetch(method))
    head = read_answer(socket)
    now = Patience.now
    tell(:answers, Answer.new(now - asked, now))
    head.match?(/^connection: *close/i) ? socket.close : socket
  rescue Lost, SystemCallError => error
    tell(:lost, "#{method}: #{error.message}")
    socket.close
  end

  def read_answer(socket)
    socket.wait_readable(Patience::LIMIT) or raise Lost, "no answer for #{Patience::LIMIT} s"
    head = socket.gets("\r\n\r\n") or raise Lost, "closed without an answer"
    raise Lost, head.lines.first.chomp unless head.start_with?("HTTP/1.1 200")

    length = Integer(head[/^content-length: *(\d+)/i, 1])
    raise Lost, "a part of the answer is missing" unless socket.read(length)&.bytesize == length

    head
  end

  def tell(kind, what)
    @monitor.synchronize do
      @found[kind] << what
      @news.broadcast
    end
  end
end
