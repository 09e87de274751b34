# frozen_string_literal: true

require "test_helper"
require "fileutils"

# thrust --trust, without touching whom this machine trusts: the tools of the system only write down their words.
class TrustTest < ThrusterTest
  TOOLS = %w[install update-ca-certificates update-ca-trust certutil security].freeze
  ANCHORS = %w[/usr/local/share/ca-certificates /etc/pki/ca-trust/source/anchors
               /etc/ca-certificates/trust-source/anchors /etc/pki/trust/anchors].freeze

  # Stands for these tools; they `end_with` a status.
  def fake(*tools, end_with: 0)
    FileUtils.mkdir_p("#{scratch}/bin")
    tools.each do |name|
      File.write("#{scratch}/bin/#{name}", <<~SH, perm: 0o755)
        #!/bin/sh
        echo "${0##*/} $*" >> #{scratch}/said
        [ #{end_with} = 0 ] || { echo "$0: only root may" >&2; exit #{end_with}; }
      SH
    end
  end

  def trust(env = {})
    thrust("--trust", env: { "PATH" => "#{scratch}/bin", "HOME" => "#{scratch}/home",
                             "STORAGE_PATH" => "#{scratch}/state" }.merge(env))
  end

  def authority
    "#{scratch}/state/local_ca.pem"
  end

  def said
    File.exist?("#{scratch}/said") ? File.readlines("#{scratch}/said", chomp: true) : []
  end

  # A home with the databases of two browsers.
  def furnish_home
    places = %w[.pki/nssdb .mozilla/firefox/a.default].map { |place| "#{scratch}/home/#{place}" }
    places.each do |place|
      FileUtils.mkdir_p(place)
      FileUtils.touch("#{place}/cert9.db")
    end
  end

  test "the authority is made, and every store is told" do
    only_on_linux
    skip "no store of the system is known here" if ANCHORS.none? { |folder| Dir.exist?(folder) }
    fake(*TOOLS)
    places = furnish_home
    program = trust
    assert_equal 0, program.exit_status, program.said
    assert_equal 0o600, File.stat(authority).mode & 0o777
    name = program.out[/\Athrust local CA \(.+\)$/]
    copy, update, *browsers = said
    assert_match(%r{\Ainstall -m 644 #{authority} /.+/thrust-local-ca-\h{8}\.crt\z}, copy)
    assert_match(/\Aupdate-ca-/, update)
    assert_equal places.map { |place| "certutil -A -t C,, -n #{name} -i #{authority} -d sql:#{place}" }, browsers
    assert_equal 3, program.out.scan(/^Trusted by /).size, program.out
  end

  test "what it is good for is said, and one for more is not used" do
    fake(*TOOLS)
    assert_includes trust.tap(&:await_end).out, "good for localhost, test and this machine's addresses"
    before = File.read(authority)
    program = trust("TLS_LOCAL" => "1", "TLS_DOMAIN" => "shop.example")
    program.await_end
    assert_includes program.out, "good for localhost, shop.example, test and"
    program = trust
    program.await_end
    refute_includes program.out, "shop.example"
    refute_equal before, File.read(authority)
  end

  test "it is the same again, and the server's" do
    fake(*TOOLS)
    trust.await_end
    before = File.read(authority)
    assert_equal before, trust.await_end && File.read(authority)
    thrust_alone(env: { "TLS_LOCAL" => "1", "HTTPS_PORT" => "0", "STORAGE_PATH" => "#{scratch}/state" }).await_start
    assert_equal before, File.read(authority)
  end

  test "what takes root is named, and that nothing was done is a failure" do
    only_on_linux
    skip "no store of the system is known here" if ANCHORS.none? { |folder| Dir.exist?(folder) }
    fake(*(TOOLS - %w[certutil]), end_with: 1)
    program = trust
    assert_equal 1, program.exit_status
    assert_includes program.out, "only root may"
    assert_match(/^ +sudo install -m 644 #{authority} .+ && sudo update-ca-\w+$/, program.out)
    assert_includes program.out, "libnss3-tools"
    assert_includes program.err, "ERROR: "
    assert_equal 1, said.size, "after the first failure nothing more is tried"
  end

  test "a browser that has not run yet gets a database" do
    only_on_linux
    fake(*TOOLS)
    FileUtils.mkdir_p("#{scratch}/home")
    program = trust("PATH" => "#{scratch}/bin:#{ENV.fetch("PATH")}")
    assert_equal 0, program.exit_status, program.said
    assert_path_exists "#{scratch}/home/.pki/nssdb"
    assert_includes said, "certutil -N -d sql:#{scratch}/home/.pki/nssdb --empty-password"
  end

  test "under sudo homes are left alone" do
    fake(*TOOLS)
    furnish_home
    program = trust("SUDO_USER" => "somebody")
    program.await_end
    assert_empty said.grep(/certutil/)
    assert_includes program.out, "without sudo"
  end

  test "no word of the private key is said" do
    fake(*TOOLS)
    program = trust
    program.await_end
    secret = File.readlines("#{scratch}/state/local_ca.key", chomp: true)[1]
    refute_includes program.said + said.join, secret
    assert_equal 0o600, File.stat("#{scratch}/state/local_ca.key").mode & 0o777
    assert_equal 0o700, File.stat("#{scratch}/state").mode & 0o777
  end

  test "settings that cannot be used are complained of" do
    program = trust("THRUSTER_TLS_LOCAL" => "perhaps")
    assert_equal 1, program.exit_status
    assert_includes program.err, "THRUSTER_TLS_LOCAL"
    refute_path_exists authority
  end
end
