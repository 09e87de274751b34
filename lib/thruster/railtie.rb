# frozen_string_literal: true

module Thruster
  # What a Rails application gets without asking: thruster_tags in its controllers.
  class Railtie < Rails::Railtie
    initializer "thruster.tags" do
      ActiveSupport.on_load(:action_controller) { include Thruster::Tags }
    end
  end
end
