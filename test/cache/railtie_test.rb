# frozen_string_literal: true

require "test_helper"

# Within Rails, of which there is here only what the gem touches.
class CacheRailtieTest < ThrusterTest
  LIBRARY = File.expand_path("../../lib", __dir__)
  RAILS = <<~'RUBY'
    module Rails
      class Railtie
        def self.initializer(name, &block) = (puts name; block.call)
      end
    end
    module ActiveSupport
      def self.on_load(name, &block) = (puts name; ActionController::Base.instance_eval(&block))
    end
    module ActionController
      Base = Class.new
    end
  RUBY

  def said_by(*words)
    program = start(RbConfig.ruby, "-W", "-I", LIBRARY, *words)
    assert_equal 0, program.exit_status, program.said
    program.out
  end

  test "controllers have thruster_tags" do
    out = said_by("-e", "#{RAILS}\nrequire 'thruster'\np ActionController::Base.include?(Thruster::Tags)")
    assert_equal "thruster.tags\naction_controller\ntrue\n", out
  end

  test "without Rails there is no Railtie" do
    assert_equal "nil\n", said_by("-r", "thruster", "-e", "p defined?(Thruster::Railtie)")
  end
end
