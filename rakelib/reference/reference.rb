# frozen_string_literal: true

require "erb"
require "open3"

# The manual page and the completions of shells, made from the templates beside this file and from what the executable
# says of itself, so that no list of settings or options is kept by hand.
class Reference
  # Each file in the gem, and the template it is made from.
  TEMPLATES = { "man/thrust.1" => "thrust.1.erb", "completions/thrust.bash" => "thrust.bash.erb",
                "completions/_thrust" => "_thrust.erb", "completions/thrust.fish" => "thrust.fish.erb" }.freeze

  # `short` is nil where there is none.
  Option = Struct.new(:short, :long, :help) do
    def words
      [short, long].compact
    end
  end

  Setting = Struct.new(:name, :help, :default)

  # The columns of a line in a manual page's source.
  WIDTH = 78

  def initialize(executable)
    help, status = Open3.capture2(executable, "--help", unsetenv_others: true)
    raise "#{executable} --help failed" unless status.success?

    @help = help
  end

  def files
    TEMPLATES.transform_values { |name| render(File.read("#{__dir__}/#{name}")) }
  end

  def options
    @help.scan(/^  (?:(-\w), )?(--[\w-]+) {2,}(.+)$/).map { |words| Option.new(*words) }
  end

  def settings
    @help.scan(/^  ([A-Z][A-Z0-9_]+)\n {6}(.+)\n {6}default (.+), now/).map { |words| Setting.new(*words) }
  end

  private

  def render(template)
    ERB.new(template, trim_mode: "-").result(binding)
  end

  # For roff: no line begins like a request, and a minus is one.
  def roff(text)
    wrap(text.gsub("\\", "\\e").gsub(/(?<=\s|\A)-(?=\w)/, "\\-")).gsub(/^(?=[.'])/, "\\\\&")
  end

  def wrap(text)
    text.gsub(/(.{1,#{WIDTH}})(?: +|\z)/, "\\1\n").chomp
  end

  # Between single quotes, for any shell here.
  def quoted(text)
    "'#{text.gsub("'", "'\\\\''")}'"
  end
end
