# frozen_string_literal: true

require "test_helper"
require "support/packed_gem"
require "thruster"
require "thruster/platform"

# What is in the gem.
class GemPackageTest < ThrusterTest
  HERE = Thruster::Platform.local

  test "it is named as Thruster's gems are" do
    assert_equal "thruster-#{Thruster::VERSION}-#{HERE}.gem", File.basename(PackedGem.path)
    spec = PackedGem.spec
    assert_equal ["thruster", HERE], [spec.name, spec.platform.to_s]
  end

  test "it is a handful of readable files and one executable" do
    library = Dir.glob("lib/**/*.{rb,tt}", base: PackedGem::ROOT)
    expected = library + %W[CHANGELOG.md MIT-LICENSE README.md exe/thrust exe/#{HERE}/thrust]
    assert_equal expected.sort, PackedGem.modes.keys.sort
  end

  test "its modes do not depend on who packed it" do
    executables = %W[exe/thrust exe/#{HERE}/thrust]
    PackedGem.modes.each { |path, mode| assert_equal executables.include?(path) ? 0o755 : 0o644, mode, path }
  end

  test "it needs no other gem" do
    assert_empty PackedGem.spec.runtime_dependencies
    assert_equal ["thrust"], PackedGem.spec.executables
  end
end
