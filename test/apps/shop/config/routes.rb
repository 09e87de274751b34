# frozen_string_literal: true

Rails.application.routes.draw do
  resources :documents, only: %i[new create show] do
    post :rename, on: :member
    get :report, on: :collection
  end
  resource :feed, only: :show
  resources :messages, only: :create
  resources(:pages, only: :show) { post :sweep, on: :member }
end
