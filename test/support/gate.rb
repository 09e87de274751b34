# frozen_string_literal: true

# Where an application waits until the test lets it go on. The application passes with `File.read(path)`;
# the test knows, once `open` returns, that the application had come to the gate.
class Gate
  attr_reader :path

  def initialize(directory)
    @path = File.join(directory, "gate")
    File.mkfifo(@path)
  end

  def open
    Thread.new { File.open(path, "w").close }.join(Patience::LIMIT) or raise Patience::Exhausted, "no one came to the gate"
  end
end
