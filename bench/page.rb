# frozen_string_literal: true

# What is asked for: pages of HTML that compress about as pages do, and the numbers that many small ones are named by.

module Bench
  module Page
    WORDS = %w[
      the of and to in is for on with that this your all new our from are more home search about contact news help
      account sign out order price cart shipping delivery available colour size material cotton linen leather walnut
      handmade summer winter sale details description review rating customer service returns policy company careers
      press terms privacy cookies settings language payment invoice address street city country postcode telephone
    ].freeze
    SEED = 20

    # HTML of exactly `size` bytes; the same every time.
    def self.html(size)
      random = Random.new(SEED)
      text = +%(<!DOCTYPE html>\n<html lang="en"><head><title>Products</title></head>\n<body><table class="products">\n)
      text << line(random) while text.bytesize < size
      text.byteslice(0, size)
    end

    def self.line(random)
      id = random.rand(100_000)
      words = Array.new(random.rand(8..20)) { WORDS.sample(random: random) }.join(" ")
      price = format("%.2f", random.rand(1.0..500.0))
      <<~HTML
        <tr class="product" id="product_#{id}"><td><a href="/products/#{id}">#{words}</a></td>
          <td class="price">#{price}</td><td><button type="submit" class="button">Add to cart</button></td></tr>
      HTML
    end
    private_class_method :line

    # Of the same length for each number.
    def self.ending(number) = format("%07d", number)
  end
end
