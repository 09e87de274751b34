# frozen_string_literal: true

require "test_helper"
require "psych"
require "support/extension"

# Thruster::Settings.load: what thrust would make of an environment.
class SettingsLoadTest < ThrusterTest
  README = File.read(File.expand_path("../README.md", __dir__))

  def setup
    super
    Extension.load
  end

  def load(**environment)
    Thruster::Settings.load(environment.transform_keys(&:to_s))
  end

  test "there is a value for every setting in the README" do
    names = README.scan(/^\| `([A-Z_0-9]+)` \|/).flatten.map { |name| name.downcase.to_sym }
    assert_operator names.size, :>, 40
    assert_equal names.sort, load.keys.sort
  end

  test "an empty environment gives the defaults" do
    expected = { target_port: 3000, http_port: 80, bind: nil, tls_local: false, health_path: "/up", drain_timeout: 5,
                 cache_size: 64 << 20, compression: true, log_requests: true, log_format: nil, trusted_proxies: nil,
                 forward_headers: true, upstream_keepalive: "auto", storage_path: "./storage/thruster", tls_domain: nil }
    assert_equal expected, load.to_h.slice(*expected.keys)
  end

  test "values are what thrust makes of texts" do
    settings = load(THRUSTER_CACHE_SIZE: "1kB", CACHE_SIZE: "2kB", PORT: "5000", H2C_ENABLED: "yes", COMPRESSION: "br, gzip",
                    SENDFILE_ROOTS: "/a:/b", TRUSTED_PROXIES: "private, 10.0.0.1", TLS_DOMAIN: "B\u00fccher.example,a.com",
                    HTTP_IDLE_TIMEOUT: "0", BIND: "[::1]", LOG_FORMAT: "text", UPSTREAM_KEEPALIVE: "off", COLOUR: "green")
    expected = { cache_size: 1000, http_port: 5000, h2c_enabled: true, compression: %w[br gzip], sendfile_roots: %w[/a /b],
                 trusted_proxies: %w[private 10.0.0.1], tls_domain: %w[xn--bcher-kva.example a.com], http_idle_timeout: 0,
                 bind: "::1", log_format: "text", upstream_keepalive: false }
    assert_equal expected, settings.to_h.slice(*expected.keys)
    assert_empty settings.warnings
    refute settings.key?(:colour)
  end

  test "the environment of this process is what it looks at unasked" do
    program = start(RbConfig.ruby, "-Ilib", "-I#{Extension.folder}", "-rthruster", "-e", "p Thruster::Settings.load[:cache_size]",
                    env: { "CACHE_SIZE" => "12345" })
    assert_equal [0, "12345\n"], [program.exit_status, program.out]
  end

  test "what thrust would not start with is told all at once" do
    error = assert_raises(ArgumentError) { load(THRUSTER_CACHE_SIZE: "64XB", THRUSTER_DEBUG: "maybe", DEBUG: "x") }
    assert_equal 2, error.message.lines.size
    assert_includes error.message, 'THRUSTER_CACHE_SIZE="64XB": expected a size in bytes'
    assert_includes error.message, 'THRUSTER_DEBUG="maybe": expected on or off'
  end

  test "what it would leave aside is a warning" do
    settings = load(CACHE_SIZE: "lots")
    assert_equal 64 << 20, settings[:cache_size]
    assert_equal 1, settings.warnings.size
    assert_match(/\ACACHE_SIZE="lots": expected .*; using the default\z/, settings.warnings.first)
  end

  test "a secret is there, but is not shown" do
    settings = load(EAB_KID: "me", EAB_HMAC_KEY: "c2VjcmV0")
    assert_equal "c2VjcmV0", settings[:eab_hmac_key].value
    [settings.inspect, settings.to_h.inspect, settings[:eab_hmac_key].to_s, "#{settings.to_a}"].each do |shown|
      assert_includes shown, "(hidden)"
      refute_includes shown, "c2VjcmV0"
    end
    assert_nil load[:eab_hmac_key]
  end

  test "a secret is not written out by accident" do
    settings = load(EAB_KID: "me", EAB_HMAC_KEY: "c2VjcmV0")
    assert_equal "(hidden)", JSON.parse(JSON.generate(settings.to_h))["eab_hmac_key"]
    assert_equal "(hidden)", Psych.load(Psych.dump(settings.to_h.transform_keys(&:to_s)))["eab_hmac_key"]
    assert_equal "(hidden)", settings[:eab_hmac_key].as_json(only: :value)
    [settings, settings.to_h].each do |whole|
      assert_includes Psych.dump(whole), "(hidden)"
      refute_includes Psych.dump(whole), "c2VjcmV0"
      assert_raises(TypeError) { Marshal.dump(whole) }
    end
  end

  test "it reads like a Hash, and cannot be changed" do
    settings = load(TLS_DOMAIN: "a.com")
    assert_equal 80, settings.fetch(:http_port)
    assert_raises(KeyError) { settings.fetch(:colour) }
    assert_equal [:target_port, 3000], settings.first
    assert_equal settings.keys, settings.map(&:first)
    assert settings.frozen?
    assert_raises(FrozenError) { settings[:tls_domain] << "b.com" }
  end

  test "a server takes it" do
    settings = load(SENDFILE_ROOTS: "/a:/b", COMPRESSION: "br", EAB_KID: "me", EAB_HMAC_KEY: "c2VjcmV0", TRUSTED_PROXIES: "private")
    refute Thruster::Server.new(**settings).running?
  end

  test "a server with its own defaults besides is for this machine alone, and silent" do
    program = start(RbConfig.ruby, "-Ilib", "-I#{Extension.folder}", "-rthruster", "-rsocket", "-e", <<~'RUBY')
      server = Thruster::Server.new(**Thruster::Settings.load({}), **Thruster::Server::DEFAULTS).start
      puts Socket.tcp("127.0.0.1", server.port).remote_address.ip_address
      elsewhere = Socket.ip_address_list.reject(&:ipv4_loopback?).reject(&:ipv6_linklocal?)
      puts(elsewhere.select { |address| TCPSocket.new(address.ip_address, server.port) rescue false }.map(&:ip_address))
      server.stop
    RUBY
    assert_equal [0, "127.0.0.1\n", ""], [program.exit_status, program.out, program.err]
  end

  test "an environment with what is no text is refused" do
    assert_raises(TypeError) { load(CACHE_SIZE: 1) }
  end
end
