# frozen_string_literal: true

require "test_helper"
require "thruster"

# The names of what pages are made from, and how they get into a response.
class CacheTagsTest < ThrusterTest
  Name = Struct.new(:singular, :plural)

  # As ActiveModel does it.
  module Model
    def self.included(model)
      model.extend(Named)
    end

    module Named
      def model_name
        underscored = name.split("::").drop(1).join("_").downcase
        Name.new(underscored, "#{underscored}s")
      end
    end

    attr_reader :id

    def initialize(id = nil)
      @id = id
    end

    def model_name
      self.class.model_name
    end
  end

  class Post
    include Model
  end

  module Blog
    class Comment
      include Model
    end
  end

  # As a relation: an array in some ways, and in others its model.
  class Relation
    def initialize(records)
      @records = records
    end

    def to_ary
      @records
    end

    def respond_to_missing?(*)
      true
    end

    def method_missing(name, *)
      raise "#{name} goes to the model"
    end
  end

  Front = Struct.new(:thruster_tag)
  Response = Struct.new(:headers)

  # As controllers of Rails and of Sinatra have it.
  class Controller
    include Thruster::Tags

    attr_reader :response

    def initialize(fields = {})
      @response = Response.new(fields)
    end

    def show(*records)
      thruster_tags(*records)
      response.headers
    end
  end

  # As a small application of one's own may have it.
  class Page < Struct.new(:headers)
    include Thruster::Tags

    def show(*records)
      thruster_tags(*records)
      headers
    end
  end

  def tags(*things)
    Thruster::Cache::Tag.of(*things)
  end

  test "text is its own tag" do
    assert_equal %w[front-page posts], tags("front-page", :posts)
  end

  test "a record is tagged by its model and its id" do
    assert_equal %w[post-1 blog-comment-7 post-ab-c], tags(Post.new(1), Blog::Comment.new(7), Post.new("ab-c"))
    assert_equal %w[post-1-2], tags(Post.new([1, 2]))
  end

  test "a model is tagged by its plural" do
    assert_equal %w[posts blog-comments], tags(Post, Blog::Comment)
  end

  test "arrays and relations are tagged by what is in them" do
    assert_equal %w[post-1 post-2 a], tags([Post.new(1), [Post.new(2)]], Relation.new([Post.new(1), "a"]), [])
  end

  test "what has tags of its own has those" do
    assert_equal %w[front a post-1], tags(Front.new("front"), Front.new(["a", Post.new(1)]), Front.new(nil))
  end

  test "nil and what was never saved has none" do
    assert_empty tags(nil, Post.new, Post.new([1, nil]), [nil])
  end

  test "what could end a tag or a header is escaped, once" do
    { "a,b" => "a%2Cb", "two words" => "two%20words", "a\r\nb\t" => "a%0D%0Ab%09", "gr\u00FCn" => "gr%C3%BCn", '"\\' => "%22%5C",
      "a\x7F\xFF" => "a%7F%FF", "100%:/;=~!" => "100%:/;=~!" }.each do |text, tag|
      assert_equal [tag], tags(text)
      assert_equal [tag], tags(tag)
      assert_equal Encoding::UTF_8, tags(text).first.encoding
    end
  end

  test "what is no tag is named" do
    error = assert_raises(ArgumentError) { tags(Object.new) }
    assert_includes error.message, "Object"
    ["", 1, { a: 1 }, true, "x" * 1_025, Post.new("x" * 1_020)].each { |thing| assert_raises(ArgumentError) { tags(thing) } }
    assert_equal ["x" * 1_024], tags("x" * 1_024)
  end

  test "they go into the response's Cache-Tag" do
    [Controller.new, Page.new({})].each do |page|
      assert_equal({ "Cache-Tag" => "post-1, posts" }, page.show(Post.new(1), Post))
    end
  end

  test "called again, it adds what is new" do
    page = Controller.new
    page.show(Post.new(1), "a")
    assert_equal "post-1, a, post-2", page.show("a", Post.new(2), [Post.new(1)])["Cache-Tag"]
  end

  test "what the application has put there itself stays" do
    assert_equal "x, y, post-1", Controller.new("Cache-Tag" => "x,y , x").show(Post.new(1))["Cache-Tag"]
    assert_equal "x, y, z, post-1", Controller.new("Cache-Tag" => ["x, y", "z"]).show(Post.new(1))["Cache-Tag"]
  end

  test "of nothing, there is no header" do
    assert_empty Controller.new.show(nil, [], Post.new)
  end

  test "it is no action, and gives controllers no constants" do
    refute_includes Controller.public_instance_methods, :thruster_tags
    assert_empty Thruster::Tags.constants
  end
end
