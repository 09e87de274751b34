# frozen_string_literal: true

require "test_helper"

class SignalsTest < ThrusterTest
  SIGNALS = %w[INT TERM QUIT HUP USR1 USR2 TTIN TTOU WINCH].freeze

  SIGNALS.each do |name|
    test "#{name} reaches the child each time it comes" do
      program = thrust("ruby", "#{CHILDREN}/signals.rb", *SIGNALS)
      program.await_output(/^ready$/)
      (1..3).each do |count|
        program.signal name
        program.await_output(/^got #{name}$/, times: count)
      end
      assert_equal ["got #{name}\n"] * 3, program.out.lines.grep(/^got/)
    end
  end

  test "signals of different kinds reach it in one life" do
    program = thrust("ruby", "#{CHILDREN}/signals.rb", *SIGNALS)
    program.await_output(/^ready$/)
    SIGNALS.each { |name| program.signal name }
    SIGNALS.each { |name| program.await_output(/^got #{name}$/) }
  end

  { "TERM" => 143, "INT" => 0 }.each do |name, status|
    test "#{name} ends Puma, and its status is ours" do
      program = puma_at_work
      program.signal name
      assert_equal status, program.exit_status
    end

    test "#{name} to both at once, as Heroku and foreman send it, does the same" do
      program = puma_at_work
      Process.kill name, -program.pid
      assert_equal status, program.exit_status
    end
  end

  # Before its first answer, Puma may miss a signal.
  def puma_at_work
    thrust_puma("echo").tap { |program| assert_equal "200", program.get.code }
  end
end
