# frozen_string_literal: true

# A process that listens on a loopback port: started, waited for, measured, and ended by its id.

require "socket"
require_relative "clock"
require_relative "failure"
require_relative "process_tree"

module Bench
  class Server
    START = 10 # seconds until it must accept a connection: generous, a busy machine is no failure
    LOOK = 0.0005 # seconds between two looks: how long the start takes is measured
    STOP = 8 # seconds it may take to leave after TERM: more than thrust's own time to drain

    # When it was started, and when it was first seen to listen.
    attr_reader :name, :port, :output, :spawned, :listening

    def initialize(name, command, port:, env:, output:, directory:)
      @name = name
      @port = port
      @output = output
      @spawned = Clock.now
      # A group of its own: Ctrl-C on the terminal is for the benchmark, which then ends each server in turn.
      # Its output is appended to, so that it can be emptied between rounds.
      @pid = Process.spawn(env, *command, out: [output, "a"], err: %i[child out], in: File::NULL,
                                          chdir: directory, pgroup: true)
    rescue SystemCallError => error
      raise Failure, "#{name} cannot be started: #{error.message}"
    end

    def await
      deadline = Clock.now + START
      until accepts?
        raise Failure, "#{name} has ended: #{last_words}" if Process.wait(@pid, Process::WNOHANG)
        raise Failure, "#{name} does not listen on port #{port}: #{last_words}" if Clock.now > deadline

        sleep LOOK
      end
      @listening = Clock.now
      self
    end

    def processes = ProcessTree.new(@pid)

    def stop
      Process.kill(:TERM, @pid)
      deadline = Clock.now + STOP
      sleep 0.01 until (gone = Process.wait(@pid, Process::WNOHANG)) || Clock.now > deadline
      return if gone

      warn "bench: #{name} does not leave on TERM; killed"
      Process.kill(:KILL, -@pid)
      Process.wait(@pid)
    rescue Errno::ESRCH, Errno::ECHILD
      nil # it has ended by itself, and `await` has said so
    end

    private

    def accepts?
      TCPSocket.open("127.0.0.1", port).close
      true
    rescue SystemCallError
      false
    end

    def last_words = File.read(output).lines.last(5).join.strip
  end
end
