# frozen_string_literal: true

require "test_helper"

# Every link between the pages leads to a file, and to a heading in it.
class LinksTest < ThrusterTest
  ROOT = File.expand_path("..", __dir__)
  PAGES = (%w[README.md CONTRIBUTING.md CHANGELOG.md bench/README.md] + Dir.glob("docs/**/*.md", base: ROOT)).freeze

  # A page without its blocks of code, where brackets mean something else.
  def self.prose(page)
    File.read("#{ROOT}/#{page}").gsub(/^ *```.*?^ *```/m, "").gsub(/(?<=\n\n)( {4,}.*\n|\n)+/, "\n")
  end

  # The targets of its links: `[text](target)`, where the text may hold a code mark or another bracket.
  def self.links(page)
    prose(page).scan(/\]\(([^()\s]+)\)/).flatten
  end

  # What GitHub makes of its headings: lower case, no punctuation, dashes for blanks, a number where one comes again.
  def self.anchors(page)
    seen = Hash.new(-1)
    File.read("#{ROOT}/#{page}").gsub(/^ *```.*?^ *```/m, "").scan(/^\#{1,6} +(.+)$/).flatten.map do |heading|
      slug = heading.gsub(/\[([^\]]*)\]\([^)]*\)/, '\1').downcase.gsub(/[^\p{Word}\- ]/, "").tr(" ", "-")
      (seen[slug] += 1).zero? ? slug : "#{slug}-#{seen[slug]}"
    end
  end

  PAGES.each do |page|
    test "the links in #{page} lead somewhere" do
      self.class.links(page).grep_v(/\A[a-z]+:/).each do |link|
        path, anchor = link.split("#", 2)
        target = path.empty? ? page : File.join(File.dirname(page), path).delete_prefix("./")
        file = File.expand_path(target, ROOT)
        assert File.exist?(file), "#{page} names #{link}, and there is no #{target}"
        assert_includes self.class.anchors(file.delete_prefix("#{ROOT}/")), anchor, "#{page} names #{link}" if anchor
      end
    end
  end

  test "every page of the guide can be reached from the start" do
    known = ["README.md"]
    known.each do |page|
      found = self.class.links(page).grep_v(/\A[a-z]+:/).map { |link| link[/\A[^#]+/] }.compact
      found = found.map { |path| File.expand_path(path, "#{ROOT}/#{File.dirname(page)}").delete_prefix("#{ROOT}/") }
      known.concat((found & PAGES) - known)
    end
    assert_empty PAGES - known
  end

  test "links and headings are read as GitHub reads them" do
    assert_includes self.class.links("docs/puma.md"), "deploy/heroku.md"
    assert_operator self.class.anchors("README.md").size, :>, 10
    assert_includes self.class.anchors("docs/caching.md"), "why-was-this-not-cached"
  end
end
