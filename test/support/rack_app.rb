# frozen_string_literal: true

require "puma"
require "puma/server"

# Puma in this process, with the block as its Rack application.
class RackApp
  attr_reader :port

  def initialize(&app)
    quiet = Puma::Events.respond_to?(:strings) ? Puma::Events.strings : Puma::LogWriter.strings
    @server = Puma::Server.new(app, *(Puma::Events.respond_to?(:strings) ? [quiet] : [nil, { log_writer: quiet }]))
    @port = @server.add_tcp_listener("127.0.0.1", 0).addr[1]
    @server.run
  end

  def close
    @server.stop(true)
  end
end
