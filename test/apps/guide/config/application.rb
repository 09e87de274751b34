# frozen_string_literal: true

# The least that is a Rails application: what the commands of the guide are typed in.

require_relative "boot"
require "rails"
require "action_controller/railtie"

Bundler.require(*Rails.groups)

class Guide < Rails::Application
  config.load_defaults Rails::VERSION::STRING.to_f
  config.eager_load = false
  config.secret_key_base = "0" * 64
  config.hosts.clear
  config.logger = Logger.new(nil)
  config.public_file_server.enabled = true
  config.public_file_server.headers = { "Cache-Control" => "public, max-age=60" }
end
