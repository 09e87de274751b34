# frozen_string_literal: true

# A form with an upload, and the ways to get the file back.
class DocumentsController < ApplicationController
  skip_forgery_protection only: :rename

  def new
    @document = Document.new
  end

  def create
    redirect_to Document.create!(params.require(:document).permit(:file))
  end

  def show
    @document = Document.find(params[:id])
    expires_in 1.day, public: true
    thruster_tags @document
  end

  def rename
    Document.find(params[:id]).update!(title: params[:title])
    head :no_content
  end

  def report
    send_file Rails.root.join("storage/report.pdf")
  end
end
