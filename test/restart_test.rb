# frozen_string_literal: true

require "test_helper"

# Puma starts anew behind us, under load, and nobody notices.
class RestartTest < ThrusterTest
  CLUSTER = { "WEB_CONCURRENCY" => "2" }.freeze
  READY = /Use Ctrl-C to stop/
  WORKER = /Worker \d \(PID: \d+\) booted/

  # Before, during and after what the block does; `again` is what Puma says when it is there again, `times` in all.
  def assert_unnoticed(puma, again:, times:)
    crowd = crowd(puma.port)
    crowd.await_answers(100)
    yield
    puma.await_output(again, times: times)
    crowd.await_answers(100)
    crowd.close
    assert_empty crowd.lost + crowd.refused
    assert_equal [200], puma.requests.map { |line| line["status"] }.uniq
  end

  test "USR2 in single mode" do
    puma = thrust_puma("echo")
    assert_unnoticed(puma, again: READY, times: 2) { puma.signal :USR2 }
  end

  test "USR2 three times in a row" do
    puma = thrust_puma("echo")
    (2..4).each { |times| assert_unnoticed(puma, again: READY, times: times) { puma.signal :USR2 } }
  end

  test "USR2 on a Unix socket" do
    socket = "#{scratch}/puma.sock"
    puma = thrust("puma", "-C", "#{APPS}/puma.rb", "-b", "unix://#{socket}", "#{APPS}/echo.ru",
                  env: { "TARGET_SOCKET" => socket })
    assert_unnoticed(puma.await_output(READY), again: READY, times: 2) { puma.signal :USR2 }
  end

  test "USR2 in cluster mode" do
    puma = thrust_puma("echo", env: CLUSTER).await_output(WORKER, times: 2)
    assert_unnoticed(puma, again: WORKER, times: 4) { puma.signal :USR2 }
  end

  test "USR1, phase by phase" do
    puma = thrust_puma("echo", env: CLUSTER).await_output(WORKER, times: 2)
    assert_unnoticed(puma, again: /booted in \S+, phase: 1/, times: 2) { puma.signal :USR1 }
  end
end
