# frozen_string_literal: true

class RoomChannel < ApplicationCable::Channel
  def subscribed
    stream_from "room-#{params[:room]}"
  end

  def speak(data)
    ActionCable.server.broadcast("room-#{params[:room]}", { text: data.fetch("text") })
  end
end
