# frozen_string_literal: true

require_relative "thrust"

# thrust with Rails or Puma behind it, started by whatever words.
class Served < Thrust
  def initialize(*command, **options)
    @target_port = nil # the words may say so, or the environment
    Program.instance_method(:initialize).bind_call(self, *command, **options)
  end

  # There may be a shell before it.
  def thrust_pid
    Integer(`pgrep -g #{pid} -f '/exe/[^/ ]+/thrust '`)
  end

  # How often Puma has begun to listen.
  def boots
    out.scan(/^\* Listening on/).size
  end

  def await_boots(count)
    await_output(/^\* Listening on/, times: count)
  end

  def https_port
    Integer(messages("Server started").first.fetch("https")[/\d+\z/])
  end
end
