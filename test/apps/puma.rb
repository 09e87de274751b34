# frozen_string_literal: true

# As a new Rails application has it.
threads 5, 5
port ENV.fetch("PORT")
early_hints
