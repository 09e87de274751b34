# frozen_string_literal: true

require "test_helper"
require "fileutils"
require "generators/thruster/install/dockerfile"
require "generators/thruster/install/procfile"

# bin/rails generate thruster:install, on the files of applications of different ages.
class InstallGeneratorTest < ThrusterTest
  LIBRARY = File.expand_path("../lib", __dir__)
  GENERATE = <<~RUBY
    require "rails"
    require "rails/generators"
    require "generators/thruster/install_generator"
    behavior = ARGV.delete("destroy") ? :revoke : :invoke
    Thruster::Generators::InstallGenerator.start(ARGV, behavior: behavior, destination_root: Dir.pwd)
  RUBY

  THRUST = "HTTP_PORT=$PORT TARGET_PORT=3001 bundle exec thrust"

  # The line web before and after; nil is one that is left alone.
  WEB = {
    "bin/rails server" => "#{THRUST} bin/rails server",
    "bundle exec bin/rails server" => "#{THRUST} bin/rails server",
    "bundle exec rails server -p $PORT" => "#{THRUST} rails server",
    "bundle exec rails s -p ${PORT:-3000} -e $RAILS_ENV" => "#{THRUST} rails s -e $RAILS_ENV",
    "bundle exec puma -C config/puma.rb" => "#{THRUST} puma -C config/puma.rb",
    "bundle exec puma -t 5:5 --port=$PORT -e production" => "#{THRUST} puma -t 5:5 -e production",
    "MALLOC_ARENA_MAX=2 bin/rails server -b 0.0.0.0" => "MALLOC_ARENA_MAX=2 #{THRUST} bin/rails server -b 0.0.0.0",
    "bundle exec thrust bin/rails server" => "bundle exec thrust bin/rails server",
    "./bin/thrust ./bin/rails server" => "./bin/thrust ./bin/rails server",
    "bin/rails db:migrate && bin/rails server" => nil,
    "PORT=3000 bin/rails server" => nil,
    "bundle exec puma -b tcp://0.0.0.0:$PORT" => nil,
    "bundle exec unicorn -c config/unicorn.rb" => nil,
    "bin/rails runner server" => nil
  }.freeze

  # The line web before, and after thrust has come and gone. Rails reads PORT by itself.
  WEB_AGAIN = {
    "bin/rails server" => "bin/rails server",
    "bundle exec rails s -p $PORT" => "bundle exec rails s",
    "bundle exec puma -C config/puma.rb" => "bundle exec puma -C config/puma.rb -p $PORT",
    "bundle exec puma -t 5:5 --port=$PORT -e production" => "bundle exec puma -t 5:5 -e production -p $PORT",
    "RUBYOPT=-W0 bin/puma -p ${PORT:-3000}" => "RUBYOPT=-W0 bin/puma -p $PORT"
  }.freeze

  COMMAND = 'CMD ["./bin/thrust", "./bin/rails", "server"]'

  # The end of a Dockerfile before and after.
  CONTAINERS = {
    # Rails 7.1 to 7.2, and 8 with --skip-thruster
    "# Start the server\nEXPOSE 3000\nCMD [\"./bin/rails\", \"server\"]\n" => "# Start the server\nEXPOSE 80\n#{COMMAND}\n",
    # Rails 8
    "# Start server via Thruster\nEXPOSE 80\n#{COMMAND}\n" => "# Start server via Thruster\nEXPOSE 80\n#{COMMAND}\n",
    "EXPOSE 3000\n# By default\n\nCMD [\"bin/rails\", \"server\"]" => "EXPOSE 80\n# By default\n\n#{COMMAND}",
    "CMD [\"bin/rails\", \"server\", \"-b\", \"0.0.0.0\"]\n" =>
      "CMD [\"./bin/thrust\", \"./bin/rails\", \"server\", \"-b\", \"0.0.0.0\"]\n",
    "EXPOSE 3000\nUSER rails\n\nCMD [\"./bin/rails\", \"server\"]\n" => "EXPOSE 3000\nUSER rails\n\n#{COMMAND}\n",
    "HEALTHCHECK \\\n  CMD curl localhost\nCMD [\"./bin/rails\", \"server\"]\nLABEL a=b\n" =>
      "HEALTHCHECK \\\n  CMD curl localhost\n#{COMMAND}\nLABEL a=b\n",
    "CMD [\"./bin/rails\", \"server\"]\nFROM base\nCMD [\"puma\"]\n" => nil,
    "CMD [\"./bin/rails\", \"server\", \"-p\", \"4000\"]\n" => nil,
    "CMD bin/rails server\n" => nil,
    "FROM base\n" => nil
  }.freeze

  ENTRYPOINT = <<~SHELL
    #!/bin/bash -e

    if [ "${1}" == "./bin/rails" ] && [ "${2}" == "server" ]; then
      echo db:prepare
    fi

    exec echo "${@}"
  SHELL

  WEB.each do |before, after|
    test "the Procfile's line #{before.inspect} becomes #{after.inspect}" do
      text = "release: x\nweb: #{before}\nworker: y\n"
      changed = Thruster::Generators::Procfile.new(text).with_thrust
      after ? assert_equal("release: x\nweb: #{after}\nworker: y\n", changed) : assert_nil(changed)
    end
  end

  WEB_AGAIN.each do |before, after|
    test "the Procfile's line #{before.inspect} comes back as #{after.inspect}" do
      with = Thruster::Generators::Procfile.new("web: #{before}\nworker: y\n").with_thrust
      assert_includes with, THRUST
      assert_equal "web: #{after}\nworker: y\n", Thruster::Generators::Procfile.new(with).without_thrust
    end
  end

  test "of two ports in the Procfile Puma gets the platform's back" do
    text = "web: #{THRUST} puma -p 3001"
    assert_equal "web: bundle exec puma -p $PORT", Thruster::Generators::Procfile.new(text).without_thrust
  end

  CONTAINERS.each do |before, after|
    test "the Dockerfile's end #{before.inspect} becomes #{after.inspect}" do
      text = "FROM ruby\nCMD [\"irb\"]\n#{before}"
      changed = Thruster::Generators::Dockerfile.new(before == "FROM base\n" ? before : text).with_thrust
      after ? assert_equal("FROM ruby\nCMD [\"irb\"]\n#{after}", changed) : assert_nil(changed)
    end
  end

  # What it said.
  def generate(*words)
    program = start(RbConfig.ruby, "-I", LIBRARY, "-e", GENERATE, "--", *words, directory: scratch)
    assert_equal 0, program.exit_status, program.said
    program.out
  end

  def write(files)
    files.each do |path, text|
      FileUtils.mkdir_p File.dirname("#{scratch}/#{path}")
      File.write "#{scratch}/#{path}", text
    end
  end

  def files
    Dir.glob("**/*", File::FNM_DOTMATCH, base: scratch).select { |path| File.file?("#{scratch}/#{path}") }
       .to_h { |path| [path, File.read("#{scratch}/#{path}")] }
  end

  # As of Rails 7.1, pushed to Heroku.
  def application
    { "Gemfile" => "gem \"rails\"\ngem \"thruster\", \"~> 0.2\", require: false # the front\n",
      "Procfile" => "release: bin/rails db:migrate\nweb: bundle exec puma -C config/puma.rb\n",
      "Dockerfile" => "FROM ruby\nEXPOSE 3000\nCMD [\"./bin/rails\", \"server\"]\n",
      ".gitignore" => "/log/*", "bin/docker-entrypoint" => ENTRYPOINT }
  end

  test "an application gets all of it, once" do
    write application
    generate
    installed = files
    assert_equal "gem \"rails\"\ngem \"thruster\", \"~> 0.2\" # the front\n", installed["Gemfile"]
    assert_equal "release: bin/rails db:migrate\nweb: #{THRUST} puma -C config/puma.rb\n", installed["Procfile"]
    assert_equal "FROM ruby\nEXPOSE 80\n#{COMMAND}\n", installed["Dockerfile"]
    assert_match(%r{\A/log/\*\n\n#.*\n/storage/thruster\n\z}, installed[".gitignore"])
    assert_equal application.keys.push("bin/thrust", "public/502.html").sort, installed.keys.sort
    assert File.executable?("#{scratch}/bin/thrust")

    refute_match(/\b(create|change|hint)\b/, generate)
    assert_equal installed, files
  end

  test "an application that has nothing of this gets a Procfile, a page and bin/thrust" do
    generate
    assert_equal %w[Procfile bin/thrust public/502.html], files.keys.sort
    assert_equal "web: #{THRUST} bin/rails server\n", files["Procfile"]
  end

  test "a Procfile without a line for the web gets one" do
    write "Procfile" => "worker: bin/jobs"
    generate
    assert_equal "worker: bin/jobs\nweb: #{THRUST} bin/rails server\n", files["Procfile"]
  end

  test "what starts the server in another way is left alone, with a word" do
    own = { "Procfile" => "web: bundle exec unicorn\n", "Dockerfile" => "CMD [\"unicorn\"]\n" }
    write own
    said = generate
    assert_equal own, files.slice(*own.keys)
    assert_match(/hint +Procfile .*#{Regexp.escape(THRUST)} bin\/rails server/, said)
    assert_match(/hint +Dockerfile .*#{Regexp.escape(COMMAND)}/, said)
  end

  test "a binstub that is there stays, be it of Rails, of Bundler or of one's own" do
    ["#!/bin/sh\nexec /opt/thrust \"$@\"\n",
     "require \"bundler/setup\"\nload Gem.bin_path(\"thruster\", \"thrust\")\n",
     "# The application 'thrust' is installed as part of a gem\nload Gem.bin_path(\"thruster\", \"thrust\")\n"].each do |stub|
      write "bin/thrust" => stub
      [[], ["destroy"]].each do |words|
        assert_match(%r{exist +bin/thrust}, generate(*words))
        assert_equal stub, files["bin/thrust"]
      end
    end
  end

  test "Rails' own .gitignore has the line already" do
    ["/storage/*\n!/storage/.keep\n", "/tmp\nstorage/\n"].each do |text|
      write ".gitignore" => text
      generate
      assert_equal text, files[".gitignore"]
    end
  end

  test "with --pretend nothing is written, and with --skip nothing that is there" do
    write application
    assert_match(/change +Procfile/, generate("--pretend"))
    assert_equal application, files
    assert_match(/skip +Procfile/, generate("--skip"))
    assert_equal application, files.slice(*application.keys)
  end

  test "a page of one's own stays, in whatever encoding, but with --force" do
    write "public/502.html" => own = "Zur\xFCck".b
    [[], ["--skip"], ["destroy"]].each do |words|
      assert_match(%r{exist +public/502.html}, generate(*words))
      assert_equal own, files["public/502.html"].b
    end
    generate("--force")
    refute_equal own, files["public/502.html"].b
  end

  test "the container's port is spoken of only if it has become another" do
    write "Dockerfile" => "EXPOSE 3000\nCMD [\"./bin/rails\", \"server\"]\n"
    said = [["--pretend"], ["--skip"], [], []].map { |words| generate(*words).include?("The container's port is 80 now") }
    assert_equal [false, false, true, false], said
    ["CMD [\"./bin/rails\", \"server\"]\n", "EXPOSE 3000\nCMD [\"unicorn\"]\n"].each do |text|
      write "Dockerfile" => text
      refute_match(/container's port/, generate)
    end
  end

  test "destroy takes all of it away, and leaves what does no harm" do
    write application
    generate
    generate("destroy")
    left = files
    assert_equal application.keys.sort, left.keys.sort
    assert_equal application["Dockerfile"], left["Dockerfile"]
    assert_equal "#{application["Procfile"].chomp} -p $PORT\n", left["Procfile"]
    assert_equal "/log/*\n", left[".gitignore"]
  end

  test "destroy takes a Procfile away that was not there before" do
    2.times { |time| time.zero? ? generate : generate("destroy") }
    assert_empty files
  end

  test "an entrypoint for another shell than bash stays" do
    write "bin/docker-entrypoint" => ENTRYPOINT.sub("/bin/bash", "/bin/sh")
    generate
    assert_equal ENTRYPOINT.sub("/bin/bash", "/bin/sh"), files["bin/docker-entrypoint"]
  end

  test "behind thrust the container's entrypoint prepares the database still" do
    write application
    generate
    File.chmod 0o755, "#{scratch}/bin/docker-entrypoint"
    commands = { %w[./bin/thrust ./bin/rails server] => 2, %w[./bin/rails server -b ::] => 2, %w[./bin/rails console] => 1 }
    commands.each do |words, lines|
      program = start("bin/docker-entrypoint", *words, directory: scratch)
      assert_equal [0, lines], [program.exit_status, program.out.lines.size], program.said
      assert_equal words.join(" "), program.out.lines.last.chomp
    end
  end
end
