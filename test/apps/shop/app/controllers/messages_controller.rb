# frozen_string_literal: true

# What somebody else says to those who listen to a channel.
class MessagesController < ApplicationController
  skip_forgery_protection

  def create
    ActionCable.server.broadcast("room-#{params[:room]}", { text: params[:text] })
    head :no_content
  end
end
