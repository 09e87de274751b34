# frozen_string_literal: true

Rails.application.routes.draw do
  get "up", to: "posts#up"
  resources :posts, only: %i[index show]
end
