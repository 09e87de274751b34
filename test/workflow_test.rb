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

  def containers(file)
    jobs(file).values.select { |job| job["container"] }.map { |job| image_of(job) }
  end

  # A container is a name, or has one.
  def image_of(job)
    job["container"].then { |container| container.is_a?(Hash) ? container.fetch("image") : container }
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

  test "images are named by their whole version" do
    images = FILES.flat_map { |file| containers(file) + commands(file).flat_map { |line| line.scan(/(?<=\s)[a-z]+:\d\S*/) } }
    assert_equal %w[ruby rust], images.map { |image| image[/\A\w+/] }.uniq.sort
    images.each { |image| assert_match(/\A\w+:\d+\.\d+\.\d+-[a-z]+[\d.]*\z/, image) }
  end

  test "tools that cargo installs have a version, and the dependencies that their authors locked" do
    installed = FILES.flat_map { |file| commands(file).grep(/\bcargo install\b/) }
    refute_empty installed
    installed.each { |line| assert_match(/\Acargo install --locked --version \d+\.\d+\.\d+ [\w-]+\n?\z/, line) }
  end

  test "all that is built in a container is built by the Rust that the container is named by" do
    built = FILES.flat_map { |file| jobs(file).values }.select { |job| job["container"] }
    versions = built.map { |job| [image_of(job)[/\Arust:([\d.]+)-/, 1], job.dig("env", "RUSTUP_TOOLCHAIN")] }
    assert_equal [1, 2], [versions.flatten.uniq.size, versions.size]
    assert_match(/\A\d+\.\d+\.\d+\z/, versions.flatten.first)
  end

  test "what is published is looked over and built again before anybody gets it" do
    gems = jobs(RELEASE).dig("gems", "steps")
    order = ["rake gem", "rake gem:verify", "rake gem:twice"].map { |line| gems.index { |step| step["run"] == line } }
    assert_equal order.compact.sort, order
    assert_operator order.last, :<, gems.index { |step| step["uses"].to_s.start_with?("actions/upload-artifact@") }
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
