# frozen_string_literal: true

require "test_helper"
require "openssl"
require "psych"
require "support/generated_rails"
require "support/guide"
require "support/guide_place"
require "support/packed_gem"
require "support/served"
require "thruster"

# The guide does what it says: each command in README.md and docs is typed, and what it shows as a file is given to
# whoever would read it.
class GuideTest < ThrusterTest
  OTHER_MACHINE = "it is for a machine that runs systemd"
  ACCOUNT = "it needs an account, and somebody else's machines"

  # What is typed in the guide and not run here, with the reason. Its syntax is looked at all the same.
  NOT_HERE = {
    "bin/demo" => "it builds for release, which takes minutes; its parts are in other tests",
    "bin/test" => "it runs this",
    "git push heroku main" => ACCOUNT,
    "heroku logs --tail" => ACCOUNT,
    "heroku config:set CACHE_SIZE=16MiB" => ACCOUNT,
    "docker build -t myapp ." => "it needs Docker and a base image; what is in the Dockerfile is run",
    "docker run --rm -p 8080:80 -e RAILS_MASTER_KEY -v myapp_storage:/rails/storage myapp" => "it needs Docker",
    "bin/kamal deploy" => ACCOUNT,
    "bin/kamal app logs -f" => ACCOUNT,
    "sudo systemctl daemon-reload" => OTHER_MACHINE,
    "sudo systemctl enable --now myapp.socket myapp.service" => OTHER_MACHINE,
    "sudo systemctl enable --now myapp.service" => OTHER_MACHINE,
    "sudo systemctl reload myapp" => OTHER_MACHINE,
    "journalctl --unit myapp --follow" => OTHER_MACHINE,
    "git pull" => "it needs a repository to pull from",
    GeneratedRails::DEPLOY => "it needs a database and assets: with it generated_rails_test's application is made",
    'sudo setcap cap_net_bind_service=+ep "$(bundle show thruster)"/exe/*/thrust' => "it needs root; its words are looked at",
    "sudo sysctl net.ipv4.ip_unprivileged_port_start=80" => "it changes the whole machine",
    "thrust --trust" => "it changes whom this machine trusts; trust_test has it with other tools"
  }.freeze

  # What starts a server, and what asks one.
  SERVER = /\bthrust [\w.]|Procfile/
  ASKING = /\Acurl .*(localhost:8080|--unix-socket)/

  # What else a server is asked, beside /up.
  QUESTIONS = {
    /STATIC_PATH/ => ->(test, server) { test.assert_includes server.get("/robots.txt")["Cache-Status"], "detail=static" },
    /TLS_DOMAIN/ => lambda do |test, server|
      test.assert_match(%r{\Ahttps://myapp\.example\.com}, server.get("/", "Host" => "myapp.example.com")["Location"])
    end,
    /TLS_LOCAL/ => ->(test, server) { test.assert_trusted server, "storage/thruster/local_ca.pem" }
  }.freeze

  # What the guide's Ruby may take for granted.
  RUBY = <<~RUBY
    require "bundler/setup"
    require "thruster"
    Post = Struct.new(:thruster_tag, :video)
    def post = Post.new("post-1")
    def rails_storage_proxy_path(_) = "/rails/active_storage/blobs/proxy/1"
    @post = post
  RUBY

  # What stands around the guide's lines in files that an application has already.
  AROUND = Hash.new("%s").merge(
    "config/environments/production.rb" => "Rails.application.configure do\n%s\nend\n",
    "app/controllers/application_controller.rb" => "class ApplicationController < ActionController::Base\n%s\nend\n"
  ).freeze

  # What deploy.yml may have at its top, of what the guide shows.
  KAMAL = %w[env proxy volumes].freeze

  def self.each_text(kind, &block)
    Guide.pieces.select { |piece| piece.kind == kind }.group_by(&:text).each_value { |pieces| block.call(pieces.first) }
  end

  each_text(:shell) { |piece| test("#{piece.place} #{piece.commands.first.text}") { type piece } }
  each_text(:procfile) { |piece| test("#{piece.place} the web line of a Procfile") { run_procfile piece } }
  each_text(:dockerfile) { |piece| test("#{piece.place} the last line of a Dockerfile") { run_dockerfile piece } }
  each_text(:settings) { |piece| test("#{piece.place} settings") { set piece } }
  each_text(:ruby) { |piece| test("#{piece.place} Ruby") { understand piece } }
  each_text(:yaml) { |piece| test("#{piece.place} #{piece.file}") { assert_empty Psych.safe_load(piece.text).keys - KAMAL } }
  each_text(:json) { |piece| test("#{piece.place} JSON") { assert_kind_of Hash, JSON.parse(piece.text) } }
  Guide.pieces.select { |piece| piece.kind == :unit }.group_by(&:page).each do |page, pieces|
    test("#{page} units of systemd") { install pieces }
  end

  test "nothing in the guide is of a kind that no test knows" do
    known = %i[shell procfile dockerfile settings ruby yaml json unit] + [:log] # log_format_test has it
    assert_empty(Guide.pieces.reject { |piece| known.include?(piece.kind) }.map { |piece| "#{piece.place}: #{piece.kind}" })
  end

  test "what is not run here is in the guide still" do
    typed = Guide.pieces.select { |piece| piece.kind == :shell }.flat_map(&:commands).map(&:text)
    assert_empty NOT_HERE.keys - typed
  end

  # Types one line after the other, as a reader would.
  def type(piece)
    commands = piece.commands
    return ask { commands.each { |command| run_once command } } if commands.all? { |command| ASKING.match?(command.text) }

    settle(bare: commands.first.text.start_with?("bundle add")) if commands.any? { |command| here?(command) }
    commands.each do |command|
      if !here?(command) then assert_syntax command.text
      elsif SERVER.match?(command.text) then serve(*bash(command.text), about: command.text)
      else run_once command
      end
    end
    stop_servers
  end

  # A place of this test's own, with the guide's Procfile in it.
  def settle(**options)
    @place = GuidePlace.new(scratch, **options)
    File.write("#{@place.app}/Procfile", Guide.pieces.find { |piece| piece.kind == :procfile }.text)
  end

  # One server for all who only ask; one at a time, so that each finds the cache as empty as the guide means it.
  ASKED = Mutex.new

  def self.asked
    @asked ||= begin
      place = GuidePlace.new("#{GuidePlace::ROOT}/asked")
      server = Served.new("thrust", "bin/rails", "server", env: place.server_env, directory: place.app)
      Minitest.after_run { server.stop }
      place.curl_at(server.await_start.await_boots(1).port)
      [place, server].freeze
    end
  end

  def ask
    ASKED.synchronize do
      @place, = self.class.asked
      run_once Guide::Command.new("curl --unix-socket /tmp/thruster-*/control http://thrust/purge -d '{\"all\": true}'")
      yield
    end
  end

  def here?(command)
    !NOT_HERE.key?(command.text)
  end

  def bash(text)
    ["bash", "-c", @place.local(text)]
  end

  def assert_syntax(text)
    script = "#{Guide::ROOT}/#{text}"
    assert_equal 0, start("bash", "-n", *(File.file?(script) ? [script] : ["-c", text])).exit_status, text
  end

  def run_once(command)
    return signal(command) if command.text.include?(" PID")

    program = start(*bash(command.text), env: @place.env, directory: @place.app)
    assert_equal 0, program.exit_status, "#{command.text}\n#{program.said}"
    assert_said command.answer, program.out if command.answer
  end

  # A signal that has Puma begin anew.
  def signal(command)
    serve "thrust", "bin/rails", "server" unless @server
    boots = @server.boots
    assert_equal 0, start(*bash(command.text.sub("PID", @server.thrust_pid.to_s))).exit_status
    @server.await_boots(boots + 1)
    assert_equal "up", @server.get("/up").body
  end

  # Times and what is made from them are others here; a header's name may be in any capitals.
  def assert_said(expected, said)
    shapes = [expected, said.lines(chomp: true)].map do |lines|
      lines.reject { |line| line.strip.empty? }.map { |line| line.strip.downcase.gsub(/ttl=\d+/, "ttl=").gsub(/"\h+-/, '"') }
    end
    assert_equal(*shapes)
  end

  # Starts it, sees that the application answers through it, and leaves it running.
  def serve(*command, about: "", env: @place.server_env)
    @server = keep Served.new(*command, env: env, directory: @place.app)
    @server.await_start.await_boots(1)
    response = @server.get("/up")
    assert_equal %w[200 up], [response.code, response.body]
    assert response.key?("X-Cache"), "thrust has answered, or let through"
    QUESTIONS.each { |words, question| question.call(self, @server) if words.match?(about) }
  end

  # TERM ends it, and all that it has started. Its exit status is Puma's, who dies of it.
  def stop_servers(clean: [0, 143])
    @started.grep(Served).each do |server|
      Process.kill(:TERM, server.thrust_pid)
      assert_includes clean, server.exit_status, server.said
    end
  end

  # Its certificate for localhost is from this authority.
  def assert_trusted(server, authority)
    context = OpenSSL::SSL::SSLContext.new
    context.set_params(ca_file: "#{@place.app}/#{authority}")
    socket = OpenSSL::SSL::SSLSocket.new(TCPSocket.new("127.0.0.1", server.https_port), context)
    socket.hostname = "localhost"
    socket.connect.post_connection_check("localhost")
  ensure
    socket&.io&.close
  end

  def run_procfile(piece)
    settle
    serve "sh", "-c", piece.text[/^web: (.+)/, 1], env: @place.server_env(port: @place.port)
    assert_equal @place.port, @server.port
    stop_servers
  end

  def run_dockerfile(piece)
    settle
    serve(*JSON.parse(piece.text[/^CMD (.+)/, 1]))
    stop_servers
  end

  # Under their own prefix, where a mistake is not forgiven.
  def set(piece)
    settle
    write_certificate
    settings = piece.text.lines.grep_v(/^#/).join.split.to_h { |setting| setting.gsub(",...", "").split("=", 2) }
    env = @place.server_env.merge(settings.to_h { |name, value| ["THRUSTER_#{name}", @place.local(value)] })
    help = start(Thrust.executable, "--help", env: env, directory: @place.app)
    help.await_end
    settings.each_key { |name| assert_match(/now .+ \(from THRUSTER_#{name}\)/, help.out) }
    program = start(Thrust.executable, "true", env: env, directory: @place.app)
    assert_equal 0, program.exit_status, program.said
  end

  # Where the guide has one of its reader's.
  def write_certificate
    key = OpenSSL::PKey::EC.generate("prime256v1")
    certificate = OpenSSL::X509::Certificate.new
    certificate.version = 2
    certificate.serial = 1
    certificate.subject = certificate.issuer = OpenSSL::X509::Name.parse("/CN=example.com")
    certificate.public_key = key
    certificate.not_before = Time.now - 3_600
    certificate.not_after = Time.now + 86_400
    certificate.add_extension(OpenSSL::X509::ExtensionFactory.new.create_extension("subjectAltName", "DNS:example.com"))
    certificate.sign(key, "SHA256")
    File.write("#{@place.tmp}/example.pem", certificate.to_pem)
    File.write("#{@place.tmp}/example.key", key.to_pem)
  end

  # All of it is Ruby, if a last line that opens a block is given an end; what asks thrust for something is run, too.
  def understand(piece)
    assert RubyVM::InstructionSequence.compile(piece.text.sub(/ do( \|.*\|)?\s*\z/, "\\0\nend"))
    return unless piece.text.lines.all? { |line| line.start_with?("Thruster.cache") }

    ask do
      env = @place.env.merge("THRUSTER_CONTROL" => Dir["#{@place.tmp}/thruster-*/control"].first)
      program = start("ruby", "-e", RUBY + piece.text, env: env, directory: @place.app)
      assert_equal 0, program.exit_status, program.said
    end
  end

  # Active Storage would want a database; rails_test has one.
  test "an application runs with what the guide has its files say" do
    settle
    shown = Guide.pieces.select { |piece| piece.kind == :ruby && piece.file&.match?(%r{\A(app|config)/}) }
    shown.reject { |piece| piece.text.match?(/active_?storage/i) }.each do |piece|
      path = "#{@place.app}/#{piece.file}"
      FileUtils.mkdir_p(File.dirname(path))
      File.write(path, "\n#{format(AROUND[piece.file], piece.text)}", mode: "a")
    end
    serve "thrust", "bin/rails", "server", env: @place.server_env.merge("RAILS_ENV" => "production")
    assert_equal "post 1", @server.get("/posts/1").body
    cache = Thruster::Cache.new(Dir["#{@place.tmp}/thruster-*/control"].first)
    assert_equal [%w[pages post-1 posts]], cache.entries.map { |entry| entry[:tags].sort } # "pages" is the guide's
    stop_servers
  end

  # systemd reads them, what the service would start is started, and what stops it leaves no service that has failed.
  def install(pieces)
    only_on_linux
    settle
    pieces.each { |piece| File.write("#{@place.tmp}/#{File.basename(piece.file)}", @place.local(piece.text)) }
    program = start("systemd-analyze", "verify", "--man=no", *Dir["#{@place.tmp}/*.s*"])
    assert_equal [0, ""], [program.exit_status, program.said]
    service = @place.local(pieces.map(&:text).grep(/ExecStart/).first)
    settings = service[/^Environment=(.+)/, 1].split.to_h { |setting| setting.split("=", 2) }
    serve(*service[/^ExecStart=(.+)/, 1].split, about: service, env: @place.server_env.merge(settings))
    stop_servers clean: [0, *service[/^SuccessExitStatus=(.+)/, 1].to_s.split.map { |status| Integer(status) }]
  end

  test "what takes the low ports is the executable in the gem" do
    settle
    words = NOT_HERE.keys.grep(/setcap/).first.delete_prefix("sudo ")
    program = start("bash", "-c", "printf '%s\\n' #{words}", env: @place.env, directory: @place.app)
    program.await_end
    path = program.out.lines(chomp: true).last
    assert_equal [true, false], [File.executable?(path), File.binread(path, 2) == "#!"], path
  end
end
