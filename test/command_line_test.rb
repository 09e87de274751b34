# frozen_string_literal: true

require "test_helper"
require "thruster"

class CommandLineTest < ThrusterTest
  SETTINGS = %w[
    TLS_DOMAIN TARGET_PORT HTTP_PORT HTTPS_PORT BIND CACHE_SIZE MAX_CACHE_ITEM_SIZE GZIP_COMPRESSION_ENABLED
    GZIP_COMPRESSION_DISABLE_ON_AUTH GZIP_COMPRESSION_JITTER X_SENDFILE_ENABLED SENDFILE_ROOTS MAX_REQUEST_BODY
    STORAGE_PATH BAD_GATEWAY_PAGE HTTP_IDLE_TIMEOUT HTTP_READ_TIMEOUT HTTP_WRITE_TIMEOUT PROXY_TIMEOUT H2C_ENABLED
    ACME_DIRECTORY EAB_KID EAB_HMAC_KEY FORWARD_HEADERS LOG_REQUESTS LOG_FORMAT DEBUG
  ].freeze

  PRINT_WORDS = ["ruby", "-e", "ARGV.each { |word| puts word }"].freeze

  test "without a command it says so" do
    program = thrust
    assert_equal 1, program.exit_status
    assert_includes program.err, "ERROR: missing upstream command"
  end

  test "--version names the version and the target" do
    program = thrust("--version")
    assert_equal 0, program.exit_status
    assert_includes program.out, Thruster::VERSION
    assert_match(/\b(x86_64|aarch64|arm64)-[\w-]*(linux|darwin)/, program.out)
  end

  test "--help lists every setting with its default" do
    program = thrust("--help")
    assert_equal 0, program.exit_status
    SETTINGS.each { |name| assert_match(/\b#{name}\b/, program.out) }
    assert_match(/\bTARGET_PORT\b.*3000/m, program.out)
  end

  test "--help shows the current values" do
    program = thrust("--help", env: { "THRUSTER_BAD_GATEWAY_PAGE" => "/srv/sorry.html" })
    program.await_end
    assert_includes program.out, "/srv/sorry.html"
  end

  test "an unknown option is named and starts nothing" do
    program = thrust("--colour", "sh", "-c", "echo started")
    refute_equal 0, program.exit_status
    assert_includes program.said, "--colour"
    refute_includes program.said, "started"
  end

  test "options after the first word belong to the child" do
    words = ["--help", "--version", "-p", "two words", "", "--", "$HOME"]
    program = thrust(*PRINT_WORDS, "--", *words)
    assert_equal 0, program.exit_status
    assert_equal words, program.out.lines(chomp: true).reject { |line| line.start_with?("{") }
  end
end
