# frozen_string_literal: true

require "test_helper"
require "fileutils"
require "support/terminal"

# completions/ in the shells they are for: what somebody types, with a key that completes, and what the shell then runs.
class CompletionTest < ThrusterTest
  ROOT = File.expand_path("..", __dir__)
  TAB = "\t"

  # Where docs/reference.md has the reader put them.
  INSTALLED = { "thrust.bash" => ".local/share/bash-completion/completions/thrust", "_thrust" => ".zsh/completions/_thrust",
                "thrust.fish" => ".config/fish/completions/thrust.fish" }.freeze

  # How each shell is started, and gets to know a command `rails` with words of its own. The last line is the sign that
  # it can be typed at.
  SHELLS = {
    "bash" => [%w[bash --noprofile --norc -i], <<~'SH'],
      source /usr/share/bash-completion/bash_completion
      complete -W "server console" rails
      PS1='read''y> '
    SH
    "bash without bash-completion" => [%w[bash --noprofile --norc -i], <<~'SH'],
      source ~/.local/share/bash-completion/completions/thrust
      PS1='read''y> '
    SH
    "zsh" => [%w[zsh -f -i], <<~'SH'],
      fpath=(~/.zsh/completions $fpath)
      autoload -U compinit && compinit -D -u
      compdef '_arguments "1:task:(server console)"' rails
      PS1='read''y> '
    SH
    "fish" => [%w[fish -i], <<~'SH']
      complete -c rails -f -a "server console"
      function fish_prompt; printf 'read%s' 'y> '; end
    SH
  }.freeze

  def setup
    super
    only_on_linux # macOS has a bash of 2007
    File.write("#{scratch}/notes.txt", "")
    FileUtils.mkdir_p("#{scratch}/bin")
    File.write("#{scratch}/bin/rails", "#!/bin/sh\n", perm: 0o755)
    File.write("#{scratch}/bin/thrust", %(#!/bin/sh\nprintf '<%s>' "$@"; echo\n), perm: 0o755)
    # Where it is missing, fish has every man page read into it by a program that outlives the shell.
    %w[.local/share .cache].each { |place| FileUtils.mkdir_p("#{scratch}/#{place}/fish/generated_completions") }
    INSTALLED.each do |name, place|
      FileUtils.mkdir_p(File.dirname("#{scratch}/#{place}"))
      FileUtils.cp("#{ROOT}/completions/#{name}", "#{scratch}/#{place}")
    end
  end

  def open_shell(name)
    command, lines = SHELLS.fetch(name)
    env = { "HOME" => scratch, "PATH" => "#{scratch}/bin:#{ENV.fetch("PATH")}" }
    shell = Terminal.new(*command, env: env, directory: scratch)
    @opened << shell
    shell.type lines
    shell.read_until(/ready> /)
    shell
  end

  # The words that thrust got.
  def typed(shell, keys)
    shell.type "#{keys}\n"
    shell.read_until(/<.*>(?=\r?\n)/)[/<.*>\z/].scan(/<(.*?)>/).flatten
  end

  test "the guide has them put where the shells find them here" do
    typed = File.read("#{ROOT}/docs/reference.md")
    INSTALLED.each { |name, place| assert_match(%r{/completions/#{name}" ~/#{place.delete_suffix("/#{name}")}$}, typed) }
  end

  SHELLS.each_key do |name|
    test "#{name} completes thrust's options, as the first word only" do
      shell = open_shell(name)
      assert_equal %w[--trust], typed(shell, "thrust --tr#{TAB}")
      assert_equal %w[--version], typed(shell, "bin/thrust --vers#{TAB}")
      assert_equal %w[bin/rails --tr], typed(shell, "thrust bin/rails --tr#{TAB}").map(&:strip)
    end

    test "#{name} completes the command, by its path or by its name" do
      shell = open_shell(name)
      assert_equal %w[bin/rails], typed(shell, "thrust bin/ra#{TAB}")
      assert_equal %w[mkfifo], typed(shell, "thrust mkfif#{TAB}")
    end

    test "#{name} completes files after a command that it does not know" do
      assert_equal %w[tac notes.txt], typed(open_shell(name), "thrust tac note#{TAB}")
    end

    next if name.end_with?("without bash-completion")

    test "#{name} completes what the command completes" do
      assert_equal %w[bin/rails server], typed(open_shell(name), "thrust bin/ra#{TAB}ser#{TAB}")
    end
  end
end
