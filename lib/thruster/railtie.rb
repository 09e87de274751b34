# frozen_string_literal: true

module Thruster
  # What a Rails application gets without asking: thruster_tags in its controllers, a line in its log for each purge and,
  # behind thrust, X-Sendfile and a log whose lines say to which request they belong.
  #
  # What concerns the configuration is decided after the application's files, since what they chose stays. The middleware
  # is put together later.
  class Railtie < Rails::Railtie
    # Formatters that write lines for people to read. To one that writes JSON, a tag before it would be dirt.
    PLAIN = %w[ActiveSupport::Logger::SimpleFormatter Logger::Formatter].freeze

    initializer "thruster.tags" do
      ActiveSupport.on_load(:action_controller) { include Thruster::Tags }
    end

    initializer "thruster.logger", after: :load_config_initializers do
      Thruster.logger = Rails.logger if Thruster.logger.nil?
    end

    # Rack no longer believes a request that says X-Sendfile is understood: anybody could say so
    # (CVE-2025-61780). The environment is thrust's own word.
    initializer "thruster.x_sendfile", after: :load_config_initializers do |app|
      next unless ENV["THRUSTER_X_SENDFILE"] == "1" && app.config.respond_to?(:action_dispatch)

      dispatch = app.config.action_dispatch
      dispatch.x_sendfile_header = "X-Sendfile" if dispatch.x_sendfile_header.nil?
    end

    # The request's id is in thrust's line about it as well. New applications have this tag in production; it is for
    # those that never said anything about tags, and neither for a laptop, where there is one request at a time, nor for
    # tests.
    initializer "thruster.log_tags", after: :load_config_initializers do |app|
      next if Rails.env.development? || Rails.env.test?
      next unless Railtie.is_behind_thrust? && Railtie.is_plain?(Rails.logger)

      app.config.log_tags = [:request_id] if app.config.log_tags.nil? && !Railtie.is_lograge?(app.config)
    end

    # Either variable is missing where what it stands for is off.
    def self.is_behind_thrust?
      !ENV["THRUSTER_CONTROL"].to_s.empty? || ENV["THRUSTER_X_SENDFILE"] == "1"
    end

    # Several loggers may be broadcast to, each with a formatter.
    def self.is_plain?(logger)
      logger.respond_to?(:formatter) && Array(logger.formatter).all? { |formatter| PLAIN.include?(formatter.class.name) }
    end

    # It writes JSON without a formatter of its own.
    def self.is_lograge?(config)
      config.respond_to?(:lograge) && config.lograge.enabled
    end
  end
end
