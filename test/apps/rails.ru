# frozen_string_literal: true

# A Rails application in one file, in whatever directory it is started: what Rails does with files
# and pages when nobody has configured anything about them.

require "rails"
require "action_controller/railtie"
require "active_storage/engine"
require_relative "../../lib/thruster"

ENV["DATABASE_URL"] = "sqlite3:#{Dir.pwd}/test.sqlite3"

# Says who sends the body of each answer: the file that thrust is to send, or "Ruby".
Witness = Struct.new(:app) do
  def call(env)
    app.call(env).tap do |_, headers, _|
      named = headers.find { |name, _| name.casecmp?("x-sendfile") }
      $stdout.syswrite("sent #{env["REQUEST_METHOD"]} #{env["PATH_INFO"]} by #{named ? named.last : "Ruby"}\n")
    end
  end
end

class Application < Rails::Application
  config.root = Dir.pwd
  config.load_defaults Rails::VERSION::STRING.to_f
  config.eager_load = false
  config.secret_key_base = "0" * 64
  config.action_controller.allow_forgery_protection = false
  config.logger = Logger.new(nil)
  config.public_file_server.headers = { "Cache-Control" => "public, max-age=60" }
  config.active_storage.service = :local
  config.active_storage.service_configurations = { local: { service: "Disk", root: "#{Dir.pwd}/storage" } }
  config.middleware.insert_before 0, Witness
end

Application.initialize!

class Post < ActiveRecord::Base
  after_commit { Thruster.cache.purge(tags: [self, Post]) }
end

class PostsController < ActionController::Base
  before_action(only: %i[index show]) { expires_in 1.day, public: true }

  def index
    thruster_tags Post
    render plain: Post.pluck(:title).join(", ")
  end

  def show
    post = Post.find(params[:id])
    thruster_tags post
    render plain: post.title
  end

  def rename
    Post.find(params[:id]).update!(title: params[:title])
    head :no_content
  end
end

class FilesController < ActionController::Base
  def download
    send_file "#{Rails.root}/files/#{params[:name]}.pdf", disposition: "attachment"
  end

  # Page caching: a file in public/ answers from the second request on.
  def page
    html = "<h1>made at #{Process.clock_gettime(Process::CLOCK_MONOTONIC)}</h1>"
    File.write("#{Rails.root}/public/page.html", html)
    render html: html.html_safe
  end

  # Stores the body; the answer is where, and both ways to it.
  def store
    blob = ActiveStorage::Blob.create_and_upload!(io: request.body, filename: "a.mp4", content_type: "video/mp4")
    render json: { file: blob.service.path_for(blob.key),
                   redirect: rails_storage_redirect_path(blob), proxy: rails_storage_proxy_path(blob) }
  end
end

Application.routes.append do
  resources(:posts, only: %i[index show]) { post :rename, on: :member }
  get "download/:name", to: "files#download"
  get "page", to: "files#page"
  post "store", to: "files#store"
end
Application.reload_routes!

ActiveRecord::Schema.verbose = false
ActiveRecord::Schema.define do
  create_table(:posts) { |table| table.string :title }
  create_table :active_storage_blobs do |table|
    %i[key filename content_type service_name checksum].each { |name| table.string name }
    table.text :metadata
    table.bigint :byte_size
    table.datetime :created_at
  end
end
Post.insert_all!([{ title: "first" }, { title: "second" }])

run Application
