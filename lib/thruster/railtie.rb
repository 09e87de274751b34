# frozen_string_literal: true

module Thruster
  # What a Rails application gets without asking: thruster_tags in its controllers and, behind a
  # thrust that sends files, X-Sendfile.
  class Railtie < Rails::Railtie
    initializer "thruster.tags" do
      ActiveSupport.on_load(:action_controller) { include Thruster::Tags }
    end

    # Rack no longer believes a request that says X-Sendfile is understood: anybody could say so
    # (CVE-2025-61780). The environment is thrust's own word. After the application's files, since
    # what they chose stays, `false` as well; the middleware is put together later.
    initializer "thruster.x_sendfile", after: :load_config_initializers do |app|
      next unless ENV["THRUSTER_X_SENDFILE"] == "1" && app.config.respond_to?(:action_dispatch)

      dispatch = app.config.action_dispatch
      dispatch.x_sendfile_header = "X-Sendfile" if dispatch.x_sendfile_header.nil?
    end
  end
end
