# frozen_string_literal: true

require_relative "thruster/version"

# The Ruby side of thrust. An application keeps next to nothing of it in memory: the work is done
# by an executable, which exe/thrust finds and becomes, and the rest is loaded when it is used.
module Thruster
  autoload :Cache, "#{__dir__}/thruster/cache"
  autoload :Server, "#{__dir__}/thruster/server"
  autoload :Settings, "#{__dir__}/thruster/settings"
  autoload :Tags, "#{__dir__}/thruster/tags"

  class << self
    # Where purges are written down: in Rails its logger, unless this is set before or false; else nil, and nowhere.
    attr_accessor :logger

    # The cache of the thrust that started this process. Where nobody did, its methods raise
    # Thruster::Cache::Unavailable; under test they do nothing.
    def cache
      @cache ||= Cache.default
    end

    # Another thrust's cache, Thruster::Cache.new("/path/of/its/CONTROL_SOCKET"); with nil, one
    # that does nothing.
    def cache=(cache)
      @cache = cache || Cache::None.new
    end
  end
end

require_relative "thruster/railtie" if defined?(Rails::Railtie)
