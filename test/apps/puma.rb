# frozen_string_literal: true

# As a new Rails application has it. Without preloading, so that a cluster can restart by phases.
count = Integer(ENV.fetch("RAILS_MAX_THREADS", "5"))
threads count, count
port ENV.fetch("PORT")
early_hints
preload_app! false
