# frozen_string_literal: true

class Document < ApplicationRecord
  has_one_attached :file

  after_commit { Thruster.cache.purge(tag: self) }
end
