# frozen_string_literal: true

# A picture of the headlines: CPU for each request, nginx's as one, a bar for each proxy.

require "cgi"
require_relative "machine"

module Bench
  class Chart
    COLOURS = { "thrust" => "#c2410c", "nginx" => "#9ca3af", "caddy" => "#38bdf8", "haproxy" => "#818cf8" }.freeze
    OTHERS = "#a3a3a3"
    SCALE = 130 # points for as much as nginx
    MOST = 4.0 # times nginx: longer bars are cut, and say so by their number
    LEFT = 250
    WIDTH = 900
    BAR = 11
    GAP = 12
    TOP = 64

    def initialize(report)
      @report = report
      measured = report.entries.select { _1.median(:cpu) }
      headlines = measured.select(&:headline)
      @groups = (headlines.empty? ? measured : headlines).group_by(&:name)
      @height = TOP + @groups.values.sum { _1.size * BAR + GAP } + 10
    end

    # Nothing if nothing was measured that is shown here.
    def svg
      return if @groups.empty?

      <<~SVG
        <svg xmlns="http://www.w3.org/2000/svg" width="#{WIDTH}" height="#{@height}" viewBox="0 0 #{WIDTH} #{@height}"
             font-family="system-ui, sans-serif" font-size="11">
        <rect width="100%" height="100%" fill="#ffffff"/>
        <text x="16" y="24" font-size="15" font-weight="600">CPU for each request, in microseconds</text>
        #{text(16, 42, caption, ' fill="#6b7280"')}
        #{legend}
        #{groups.join("\n")}
        </svg>
      SVG
    end

    private

    def caption
      machine = "#{Machine.cores} cores, #{Machine.processor}, shared with the load."
      "The length of a bar is beside nginx's; shorter is better. #{machine}"
    end

    def legend
      names = @groups.values.flatten.map(&:server).uniq
      names.each_with_index.map do |name, index|
        x = WIDTH - 90 * (names.size - index)
        %(<rect x="#{x}" y="14" width="10" height="10" fill="#{colour(name)}"/>) + text(x + 15, 23, name)
      end.join("\n")
    end

    def groups
      y = TOP
      @groups.map do |name, entries|
        group = [text(LEFT - 10, y + (entries.size * BAR / 2) + 4, name, ' text-anchor="end"'),
                 *entries.each_with_index.map { |entry, index| bar(entry, y + index * BAR, entries) }]
        y += entries.size * BAR + GAP
        group.join("\n")
      end
    end

    # Where there is no nginx, the dearest is as long as a bar may be.
    def bar(entry, y, entries)
      cpu = entry.median(:cpu)
      nginx = entries.find { _1.server == "nginx" }&.median(:cpu)
      times = cpu / (nginx || entries.map { _1.median(:cpu) }.max)
      width = [times, MOST].min * SCALE
      words = format(cpu < 100 ? "%.1f" : "%.0f", cpu)
      words += format(", %.1f times nginx", times) if times > MOST
      %(<rect x="#{LEFT}" y="#{y}" width="#{width.round(1)}" height="#{BAR - 1}" fill="#{colour(entry.server)}"/>) +
        text((LEFT + width + 4).round(1), y + 9, words, ' font-size="9.5"')
    end

    def text(x, y, words, attributes = "") = %(<text x="#{x}" y="#{y}"#{attributes}>#{CGI.escapeHTML(words)}</text>)

    def colour(name) = COLOURS.fetch(name, OTHERS)
  end
end
