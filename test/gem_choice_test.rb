# frozen_string_literal: true

require "test_helper"
require "support/application"
require "thruster"
require "thruster/platform"

# Which of the five gems RubyGems takes without Bundler, and what thrust says where it has no executable.
class GemChoiceTest < ThrusterTest
  HERE = Thruster::Platform.local
  BUILDS = { "BUILT_THRUST" => "here" }.freeze

  def setup
    super
    @application = Application.new("#{scratch}/app", rubygems: RubyGems.newest, start: method(:start))
  end

  def install(*options, **rest)
    @application.run!(["gem", "install", "--no-document", "thruster", *options], **rest)
  end

  def assert_explained(*parts)
    program = @application.run("thrust hello")
    assert_equal 1, program.exit_status
    assert_empty program.out
    assert_match(/\AERROR: /, program.err)
    parts.each { |part| assert_includes program.err, part }
  end

  # The line runs the executable that this gem carries.
  def assert_runs(gem, line: "thrust hello", **options)
    assert_equal "the gem for #{gem}: hello\n", @application.run!(line, **options).out
  end

  test "gem install takes the gem for this machine" do
    install
    assert_runs HERE
  end

  test "on a machine that no gem is for, the source gem is taken, and its own build runs" do
    @application.move_to "riscv64-linux"
    install env: BUILDS
    assert_runs "here"
  end

  test "without that build, it says which machines have a gem, and how to build" do
    @application.move_to "riscv64-linux"
    install
    assert_explained "riscv64-linux", "Rust", "THRUSTER_EXECUTABLE=", "    gem install thruster --platform ruby\n",
                     *Thruster::Platform::SUPPORTED

    install "--platform", "ruby", env: BUILDS
    assert_runs "here"
  end

  test "a source gem that was not built is built as thrust says" do
    install "--platform", "ruby"
    assert_explained "was not built", "Rust", "    gem pristine thruster\n"

    @application.run! "gem pristine thruster", env: BUILDS
    assert_runs "here"
  end

  test "instead of a source gem that was not built, the ready-made one is taken as thrust says" do
    install "--platform", "ruby"
    assert_explained "gem uninstall --all thruster, then gem install thruster"

    @application.run! "gem uninstall --all --executables thruster"
    install
    assert_runs HERE
  end

  test "gem exec runs it without installing it first" do
    skip "gem exec came with RubyGems 3.5" unless RubyGems.newest.modern?
    assert_runs HERE, line: "gem exec thruster hello"
  end
end
