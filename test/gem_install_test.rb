# frozen_string_literal: true

require "test_helper"
require "socket"
require "support/packed_gem"
require "thruster"
require "thruster/platform"

# The packed gem as its users meet it: installed into an empty place, in an application's Gemfile, in a Procfile.
class GemInstallTest < ThrusterTest
  HERE = Thruster::Platform.local
  GEMFILE = <<~RUBY
    source "https://rubygems.org"
    gem "puma"
    gem "rack"
    gem "thruster", require: false
  RUBY

  def setup
    super
    @home = "#{scratch}/gems"
    @app = "#{scratch}/app"
    @env = PackedGem::OUTSIDE_BUNDLER.merge(
      "GEM_HOME" => @home, "GEM_PATH" => [@home, *Gem.path].join(File::PATH_SEPARATOR),
      "PATH" => "#{@home}/bin:#{ENV.fetch("PATH")}", "HOME" => scratch
    )
    run_here "gem", "install", "--local", "--no-document", PackedGem.path
  end

  def run_here(*command, directory: scratch)
    program = start(*command, env: @env, directory: directory)
    assert_equal 0, program.exit_status, program.said
    program
  end

  def make_application
    FileUtils.mkdir_p "#{@app}/config"
    File.write "#{@app}/Gemfile", GEMFILE
    FileUtils.cp "#{APPS}/echo.ru", "#{@app}/config.ru"
    FileUtils.cp "#{APPS}/puma.rb", "#{@app}/config/puma.rb"
    File.write "#{@app}/Procfile", "web: HTTP_PORT=$PORT TARGET_PORT=#{Thrust.free_port} bundle exec thrust puma\n"
    run_here "bundle", "install", "--local", directory: @app
  end

  # Puma tells its own process id, and thrust is its parent.
  def thrust_pid(program)
    puma = program.out[/PID: (\d+)/, 1]
    Integer(`ps -o ppid= -p #{puma}`)
  end

  test "a Procfile starts it with Puma behind it, and TERM ends both" do
    make_application
    command = File.read("#{@app}/Procfile")[/^web: (.+)/, 1]
    port = Thrust.free_port
    program = start("sh", "-c", command, env: @env.merge("PORT" => port.to_s), directory: @app)
    program.await_output(/Listening on/).await_output(/"Server started"/)

    response = Client.new(port).get("/?q=100%", "Host" => "shop.test")
    assert_equal "200", response.code
    assert_equal "miss", response["X-Cache"]
    seen = JSON.parse(response.body)
    assert_equal ["/?q=100%", "shop.test"], [seen["uri"], seen["headers"]["HTTP_HOST"]]

    Process.kill :TERM, thrust_pid(program) # and not the shell, whose exit status would prove nothing
    assert_equal 143, program.status.exitstatus
    assert_raises(Errno::ECONNREFUSED) { TCPSocket.new("127.0.0.1", port) }
  end

  test "its command works without Bundler" do
    program = run_here("#{@home}/bin/thrust", "--version")
    assert_includes program.out, Thruster::VERSION
  end

  test "words, options and the exit status pass through the command" do
    program = start("#{@home}/bin/thrust", "sh", "-c", 'printf "<%s>\n" "$@"; exit 7', "sh", "--help", "two words", "", env: @env)
    assert_equal 7, program.exit_status
    assert_equal "<--help>\n<two words>\n<>\n", program.out.lines.grep(/\A</).join
  end

  test "installed for another platform, it says what to type" do
    make_application
    exe = "#{@home}/gems/thruster-#{Thruster::VERSION}-#{HERE}/exe"
    other = (Thruster::Platform::SUPPORTED - [HERE]).first
    File.rename "#{exe}/#{HERE}", "#{exe}/#{other}"
    program = start("bundle", "exec", "thrust", "puma", env: @env, directory: @app)
    assert_equal 1, program.exit_status
    assert_match(/\AERROR: .*#{HERE}.*only for #{other}/, program.err)
    assert_includes program.err, "bundle lock --add-platform #{HERE}"
  end
end
