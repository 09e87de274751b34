# frozen_string_literal: true

require "minitest/autorun"
require "json"
require "tmpdir"
require_relative "support/patience"
require_relative "support/program"
require_relative "support/thrust"
require_relative "support/client"
require_relative "support/gate"
require_relative "support/crowd"

# A test that starts programs as their users do, and leaves none of them behind.
class ThrusterTest < Minitest::Test
  parallelize_me!

  APPS = File.expand_path("apps", __dir__)
  CHILDREN = File.expand_path("children", __dir__)

  def self.test(sentence, &block)
    define_method("test_#{sentence.gsub(/\W+/, "_")}", &block)
  end

  # For what measures: no other test runs beside these.
  def self.alone!
    define_singleton_method(:test_order) { :random }
    define_singleton_method(:run_one_method, &Minitest::Test.method(:run_one_method))
  end

  def setup
    @started = []
    @opened = []
  end

  def teardown
    @opened.each(&:close)
    @started.each(&:stop)
    FileUtils.remove_entry(@scratch) if @scratch
  end

  # Any program, for instance `start("bundle", "install")`.
  def start(*command, **options)
    keep Program.new(*command, **options)
  end

  # thrust with these words after it, whether it runs for long or ends at once.
  def thrust(*words, **options)
    keep Thrust.new(*words, **options)
  end

  # thrust with real Puma behind it, both ready for requests.
  def thrust_puma(app, env: {}, **options)
    puma = thrust("puma", "-C", "#{APPS}/puma.rb", "#{APPS}/#{app}.ru", env: env, **options)
    puma.await_output(/Listening on/)
    puma.await_start
  end

  # So many clients, each with its next request as soon as it is answered, until the test has seen enough.
  def crowd(port, clients: 4, **options)
    Crowd.new(port, clients, **options).tap { |crowd| @opened << crowd }
  end

  # A raw connection to what listens there.
  def connect(port)
    Conversation.new(port).tap { |conversation| @opened << conversation }
  end

  # A child of thrust that lives on and does nothing. It is no Ruby, which may lose a signal while it starts.
  def idle_child
    ["tail", "-f", File::NULL]
  end

  # thrust in front of nobody: whoever asks gets a 502 at once.
  def thrust_alone(env: {}, **options)
    thrust(*idle_child, env: { "BOOT_TIMEOUT" => "0" }.merge(env), **options)
  end

  # For what can be seen, or is done, on Linux alone.
  def only_on_linux
    skip "on Linux only" unless RUBY_PLATFORM.include?("linux")
  end

  # A directory of this test's own.
  def scratch
    @scratch ||= File.realpath(Dir.mktmpdir("thruster-test"))
  end

  private

  def keep(program)
    @started << program
    program
  end
end
