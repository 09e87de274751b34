# frozen_string_literal: true

require "test_helper"
require "yaml"
require "support/packed_gem"
require "thruster/platform"

# The workflows, as far as they can be judged without the machines that run them.
class WorkflowTest < ThrusterTest
  ROOT = File.expand_path("..", __dir__)
  FILES = Dir["#{ROOT}/.github/workflows/*.yml"].sort.freeze
  RELEASE = "#{ROOT}/.github/workflows/release.yml"

  def workflow(file)
    YAML.safe_load_file(file)
  end

  def jobs(file)
    workflow(file).fetch("jobs")
  end

  def steps(file)
    jobs(file).values.flat_map { |job| job.fetch("steps", []) }
  end

  # All that is typed in it.
  def commands(file)
    steps(file).filter_map { |step| step["run"] }.flat_map(&:lines)
  end

  test "there are two, and each has jobs" do
    assert_equal %w[ci.yml release.yml], FILES.map { |file| File.basename(file) }
    FILES.each { |file| refute_empty jobs(file) }
  end

  test "what others wrote is pinned by its commit, with its version beside it" do
    FILES.each do |file|
      used = File.read(file).scan(/uses: (.+)$/).flatten
      refute_empty used
      others = used.grep_v(%r{\A\./\.github/workflows/})
      others.each { |action| assert_match(%r{\A[\w-]+/[\w-]+@\h{40} # v\d+\.\d+\.\d+\z}, action) }
    end
  end

  test "an action has one commit in all of them" do
    pins = FILES.flat_map { |file| steps(file).filter_map { |step| step["uses"] } }.uniq
    assert_equal pins.map { |pin| pin[/[^@]+/] }.uniq.size, pins.size
  end

  test "what they call of ours is there" do
    FILES.each do |file|
      scripts = commands(file).flat_map { |line| line.scan(%r{(?<![\w/])bin/[\w-]+}) }
      called = scripts + File.read(file).scan(%r{uses: \./(\S+)}).flatten
      refute_empty called
      called.each { |path| assert_path_exists "#{ROOT}/#{path}" }
    end
  end

  test "the tasks they name are there" do
    named = FILES.flat_map { |file| commands(file) }.flat_map { |line| line.scan(/\brake (?:--\w+ )*([\w:]+)/) }.flatten
    refute_empty named
    rake = start("rake", "--prereqs", env: PackedGem::OUTSIDE_BUNDLER, directory: ROOT)
    assert_equal 0, rake.exit_status, rake.said
    assert_empty named - rake.out.scan(/^rake (\S+)$/).flatten
  end

  test "each platform's gem is tried on a machine it is for, and those for Linux on Alpine too" do
    tried, alpine = %w[try alpine].map { |job| jobs(RELEASE).dig(job, "strategy", "matrix", "include") }
    gems = Thruster::Platform::SUPPORTED.map { |platform| "thruster-*-#{platform}.gem" }
    assert_equal [*gems, "thruster-*[0-9].gem"].sort, tried.map { |machine| machine["gem"] }.sort
    assert_equal gems.grep(/linux/).sort, alpine.map { |machine| machine["gem"] }.sort
  end

  test "the release waits for all other jobs" do
    assert_equal (jobs(RELEASE).keys - %w[release gems]).sort, jobs(RELEASE).dig("release", "needs").sort
    %w[try alpine].each { |job| assert_equal "gems", jobs(RELEASE).dig(job, "needs") }
  end

  test "only the release may write, and no job may run for hours" do
    FILES.each do |file|
      assert_equal({ "contents" => "read" }, workflow(file)["permissions"])
      jobs(file).each do |name, job|
        assert_equal name == "release" ? { "contents" => "write" } : {}, job.fetch("permissions", {})
        assert_operator job["timeout-minutes"], :<=, 60 unless job["uses"]
      end
    end
  end

  test "no checkout leaves its token behind" do
    FILES.each do |file|
      checkouts = steps(file).select { |step| step["uses"].to_s.start_with?("actions/checkout@") }
      checkouts.each { |step| assert_equal false, step.dig("with", "persist-credentials") }
    end
  end
end
