# frozen_string_literal: true

require "fileutils"
require "tmpdir"
require "zlib"
require_relative "packed_gem"

# Where the commands of the guide are typed: a copy of apps/guide for each test, and an index of gems that has the
# packed gem where rubygems.org would have it. `bundle add thruster` is run once, and what it installs is everybody's.
class GuidePlace
  APP = File.expand_path("../apps/guide", __dir__)
  ROOT = File.realpath(Dir.mktmpdir("thruster-guide"))
  Minitest.after_run { FileUtils.remove_entry(ROOT) }

  # Other machines than this one, for lockfiles that are to serve them too.
  ELSEWHERE = %w[x86_64-linux aarch64-linux].freeze

  PREPARING = Monitor.new

  class << self
    # The application after `bundle add thruster`.
    def application
      PREPARING.synchronize { @application ||= prepare }
    end

    # A folder as rubygems.org is, in the form that needs no server. Only the gem for this machine can be had from it.
    def index
      PREPARING.synchronize { @index ||= make_index("#{ROOT}/index", PackedGem.path, PackedGem.spec) }
    end

    private

    def prepare
      place = new("#{ROOT}/first", bare: true)
      ["bundle add thruster", "bundle binstubs thruster"].each do |command|
        program = Program.new("bash", "-c", command, env: place.env, directory: place.app)
        raise "#{command} failed:\n#{program.said}" unless program.exit_status.zero?
      end
      place.app
    end

    def make_index(folder, package, spec)
      quick = "#{folder}/quick/Marshal.4.8"
      FileUtils.mkdir_p(["#{folder}/gems", quick])
      FileUtils.cp(package, "#{folder}/gems")
      specs = [spec, *ELSEWHERE.map { |platform| spec.dup.tap { |other| other.platform = platform } }].uniq(&:full_name)
      specs.each { |one| File.binwrite("#{quick}/#{one.full_name}.gemspec.rz", Zlib.deflate(Marshal.dump(one))) }
      names = specs.map { |one| [one.name, one.version, one.platform.to_s] }
      { "specs" => names, "latest_specs" => names, "prerelease_specs" => [] }.each do |name, list|
        File.binwrite("#{folder}/#{name}.4.8.gz", Zlib.gzip(Marshal.dump(list)))
      end
      folder
    end
  end

  attr_reader :app, :tmp, :home, :port

  # In a folder of its own; `bare` is before `bundle add thruster`.
  def initialize(folder, bare: false)
    @app, @tmp, @home = %w[app tmp home].map { |name| "#{folder}/#{name}" }
    @port = Thrust.free_port # what a platform would say
    FileUtils.mkdir_p([tmp, home])
    FileUtils.cp_r(bare ? APP : self.class.application, app)
  end

  # Ports and the CA are other ones than those that the guide names, or means by naming none. curl is told in `curl_at`.
  def env
    gems = "#{ROOT}/gems"
    PackedGem::OUTSIDE_BUNDLER.merge(
      "GEM_HOME" => gems, "GEM_PATH" => [gems, *Gem.path].join(File::PATH_SEPARATOR),
      "PATH" => "#{gems}/bin:#{ENV.fetch("PATH")}", "HOME" => home, "TMPDIR" => tmp,
      "BUNDLE_MIRROR__HTTPS://RUBYGEMS__ORG/" => "file://#{self.class.index}/",
      "PORT" => port.to_s, "HTTPS_PORT" => "0", "ACME_DIRECTORY" => "https://127.0.0.1:9/"
    )
  end

  # Those of a server. With `port`, it listens where the environment or the command says, else wherever it can.
  def server_env(port: nil)
    env.merge("THRUSTER_TARGET_PORT" => Thrust.free_port.to_s).merge(port ? {} : { "THRUSTER_HTTP_PORT" => "0" })
  end

  # From now on curl finds there what the guide has at localhost:8080.
  def curl_at(port)
    File.write("#{home}/.curlrc", %(connect-to = "localhost:8080:127.0.0.1:#{port}"\n))
  end

  # The application's folder, and folders that are everybody's, are this place's.
  def local(text)
    text.gsub(%r{/srv/myapp\b|(?<![\w.])/(?:tmp|etc/ssl|run/myapp)/}) { |path| path == "/srv/myapp" ? app : "#{tmp}/" }
  end
end
