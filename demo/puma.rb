# frozen_string_literal: true

# thrust says in PORT where it expects us; nobody else needs to reach Puma.
bind "tcp://127.0.0.1:#{ENV.fetch("PORT", 3000)}"

threads 1, 8

# Who presses Ctrl-C does not want to wait for the slow page.
force_shutdown_after 2

# Being asked to stop is no failure.
raise_exception_on_sigterm false
