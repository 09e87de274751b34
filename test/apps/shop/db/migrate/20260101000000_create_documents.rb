# frozen_string_literal: true

require ActiveStorage::Engine.root.join("db/migrate/20170806125915_create_active_storage_tables")

class CreateDocuments < ActiveRecord::Migration[6.1]
  def change
    run CreateActiveStorageTables
    create_table(:documents) { |table| table.string :title }
  end
end
