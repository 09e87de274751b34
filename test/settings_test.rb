# frozen_string_literal: true

require "test_helper"

class SettingsTest < ThrusterTest
  TRUE_WORDS = %w[1 t T TRUE true True on yes].freeze
  FALSE_WORDS = %w[0 f F FALSE false False off no].freeze

  def status_with(env)
    thrust("true", env: env).exit_status
  end

  # The paragraph or line about this variable.
  def complaint(program, name)
    program.said.lines.find { |line| line.include?(name) } || flunk("no word of #{name} in:\n#{program.said}")
  end

  test "all bad values of prefixed names are told at once, and nothing is started" do
    bad = { "THRUSTER_CACHE_SIZE" => ["a lot", /byte|size/i], "THRUSTER_HTTP_PORT" => ["eighty", /port|number|65535/i],
            "THRUSTER_LOG_REQUESTS" => ["perhaps", /\bon\b|true/i], "THRUSTER_HTTP_IDLE_TIMEOUT" => ["soon", /second/i],
            "THRUSTER_LOG_FORMAT" => ["xml", /json.*text|text.*json/i] }
    program = thrust("sh", "-c", "echo started", env: bad.transform_values(&:first))
    assert_equal 1, program.exit_status
    bad.each do |name, (value, expected)|
      assert_includes complaint(program, name), value
      assert_match expected, complaint(program, name)
    end
    refute_includes program.out, "started\n"
  end

  test "a bad value of a name without the prefix is warned of, and the default holds" do
    program = thrust("sh", "-c", "echo started on $PORT", env: { "TARGET_PORT" => "none", "CACHE_SIZE" => "a lot" })
    assert_equal 0, program.exit_status
    assert_includes program.out, "started on 3000\n"
    assert_includes complaint(program, "TARGET_PORT"), "none"
    assert_includes complaint(program, "CACHE_SIZE"), "a lot"
  end

  test "the prefixed name wins" do
    program = thrust("sh", "-c", "echo port=$PORT", env: { "TARGET_PORT" => "4001", "THRUSTER_TARGET_PORT" => "4002" })
    program.await_end
    assert_includes program.out, "port=4002\n"
  end

  test "sizes may have units" do
    %w[0 67108864 64KB 64KiB 64MB 64MiB 1GB 1GiB].each { |size| assert_equal 0, status_with("THRUSTER_CACHE_SIZE" => size), size }
    %w[-1 64QB MB 1.2.3MB 99999999999999999999GB].each { |size| assert_equal 1, status_with("THRUSTER_CACHE_SIZE" => size), size }
  end

  test "booleans are Go's, and on, off, yes and no" do
    (TRUE_WORDS + FALSE_WORDS).each { |word| assert_equal 0, status_with("THRUSTER_DEBUG" => word), word }
    %w[2 maybe wahr].each { |word| assert_equal 1, status_with("THRUSTER_DEBUG" => word), word }
  end

  test "every word for no keeps requests out of the log" do
    FALSE_WORDS.each do |word|
      program = thrust_alone(env: { "LOG_REQUESTS" => word })
      program.get
      program.signal :TERM
      program.await_end
      assert_empty program.requests, word
    end
  end

  test "ports lie between 0 and 65535" do
    assert_equal 1, status_with("THRUSTER_HTTP_PORT" => "65536")
    assert_equal 1, status_with("THRUSTER_HTTP_PORT" => "-1")
  end

  test "durations are whole seconds" do
    assert_equal 0, status_with("THRUSTER_HTTP_READ_TIMEOUT" => "5")
    assert_equal 1, status_with("THRUSTER_HTTP_READ_TIMEOUT" => "-5")
  end

  test "a name of ours that thrust does not know stops nothing" do
    assert_equal 0, status_with("THRUSTER_EXECUTABLE" => "/some/where")
  end
end
