# frozen_string_literal: true

# Pages that are files in public/ once they have been asked for.
class PagesController < ApplicationController
  caches_page :show
  skip_forgery_protection only: :sweep

  def show
    render html: "<h1>#{params[:id]} at #{Process.clock_gettime(Process::CLOCK_MONOTONIC)}</h1>".html_safe
  end

  def sweep
    expire_page action: :show, id: params[:id]
    head :no_content
  end
end
