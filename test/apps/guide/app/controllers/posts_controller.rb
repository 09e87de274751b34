# frozen_string_literal: true

class PostsController < ApplicationController
  def up
    render plain: "up"
  end

  def index
    expires_in 1.day, public: true
    thruster_tags "posts"
    render plain: "all posts"
  end

  def show
    expires_in 10.minutes, public: true
    thruster_tags "posts", "post-#{params[:id]}"
    render plain: "post #{params[:id]}"
  end
end
