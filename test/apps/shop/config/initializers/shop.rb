# frozen_string_literal: true

# As Rails 8 writes it for production; older ones say nothing.
Rails.application.config.public_file_server.headers = { "Cache-Control" => "public, max-age=31536000" }
Rails.application.config.force_ssl = false # as it is before Rails 7.1: the tests have no certificate
Rails.application.config.action_controller.page_cache_directory = Rails.public_path
