# frozen_string_literal: true

# A certificate for localhost (ECDSA, P-256) and its key as files in the lab, and the authority of the lab's own that
# clients believe in. All servers have the same one.

require "openssl"

module Bench
  class Certificate
    NAME = "localhost"
    LIFETIME = 24 * 60 * 60 # seconds: more than any run takes

    attr_reader :chain, :key, :authority # paths

    def initialize(lab)
      root_key, key = Array.new(2) { OpenSSL::PKey::EC.generate("prime256v1") }
      root = issue("/CN=Bench", root_key, 1, by: nil, signed_with: root_key,
                   "basicConstraints" => "critical,CA:TRUE", "keyUsage" => "critical,keyCertSign")
      leaf = issue("/CN=#{NAME}", key, 2, by: root, signed_with: root_key,
                   "basicConstraints" => "critical,CA:FALSE", "keyUsage" => "critical,digitalSignature",
                   "extendedKeyUsage" => "serverAuth", "subjectAltName" => "DNS:#{NAME}")
      @authority = lab.write("authority.pem", root.to_pem)
      @chain = lab.write("#{NAME}.pem", leaf.to_pem)
      @key = lab.write("#{NAME}.key", key.to_pem)
      File.chmod(0o600, @key)
    end

    private

    # By nobody else: by itself.
    def issue(subject, key, serial, by:, signed_with:, **extensions)
      certificate = OpenSSL::X509::Certificate.new
      certificate.version = 2 # which is what the third is called
      certificate.serial = serial
      certificate.subject = OpenSSL::X509::Name.parse(subject)
      certificate.issuer = (by || certificate).subject
      certificate.public_key = key
      certificate.not_before = Time.now - 60
      certificate.not_after = Time.now + LIFETIME
      extend(certificate, by || certificate, extensions)
      certificate.sign(signed_with, "SHA256")
    end

    def extend(certificate, issuer, extensions)
      factory = OpenSSL::X509::ExtensionFactory.new(issuer, certificate)
      extensions.each { |name, value| certificate.add_extension(factory.create_ext_from_string("#{name} = #{value}")) }
    end
  end
end
