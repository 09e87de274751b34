# frozen_string_literal: true

# README.md and docs, taken apart into what a reader would type, save or see. What is done with it is guide_test's.
module Guide
  ROOT = File.expand_path("../..", __dir__)
  PAGES = ["README.md", *Dir.glob("docs/**/*.md", base: ROOT).sort].freeze

  # A piece of a block: `kind` is what it is written in, `file` what the page would have it saved as, if it says so.
  Piece = Struct.new(:page, :line, :kind, :file, :text) do
    def place
      "#{page}, line #{line}"
    end

    def commands
      Guide.commands(self)
    end
  end

  # What is typed, and what the page shows as the answer, if it does.
  Command = Struct.new(:text, :answer)

  # The line that names a file above what belongs into it.
  FILE = %r{\A# (?<name>/?[\w.-]+(?:/[\w.-]+)*\.[a-z]+|Procfile|Dockerfile|the environment\b.*)\z}

  KINDS = { ".rb" => :ruby, ".ru" => :ruby, ".yml" => :yaml, ".service" => :unit, ".socket" => :unit,
            "Procfile" => :procfile, "Dockerfile" => :dockerfile, "the environment" => :settings }.freeze

  FENCES = { "sh" => :shell, "bash" => :shell, "console" => :shell, "yml" => :yaml, "procfile" => :procfile,
             "dockerfile" => :dockerfile, "systemd" => :unit }.freeze

  # What begins otherwise is typed: so what is not known here cannot go untried.
  BEGINNINGS = { /\Aweb: / => :procfile,
                 /\A(FROM|EXPOSE|CMD) / => :dockerfile,
                 /\A([A-Z_]+=\S+\s*)+\z/ => :settings,
                 /\A((class|def|module|gem|group|require|expires_in|Thruster|Rails|Capybara|config)\b|[a-z_]+ = )/ => :ruby,
                 /\A\d{4}-\d\d-\d\dT\S+ +INFO / => :log }.freeze

  class << self
    def pieces
      @pieces ||= PAGES.flat_map { |page| blocks(page).flat_map { |line, kind, text| parts(page, line, kind, text) } }.freeze
    end

    def commands(piece)
      lines = piece.text.gsub(/\\\n\s*/, "").lines.map { |line| line.sub(/(\A|\s)\s*# .*/, "").rstrip }.reject(&:empty?)
      return lines.map { |line| Command.new(line, nil) } unless lines.first.to_s.start_with?("$ ")

      lines.slice_before(/\A\$ /).map { |typed, *answer| Command.new(typed.delete_prefix("$ "), answer) }
    end

    private

    # The blocks of a page, fenced or indented: the number of the first line, the word at the fence, the text.
    def blocks(page)
      lines = File.readlines("#{ROOT}/#{page}", chomp: true)
      found = []
      number = 0
      while number < lines.size
        first = number
        if (fence = lines[number][/\A *```\K.*/])
          number += 1 until lines[number + 1].match?(/\A *```/)
          found << [first + 2, fence, unindent(lines[first + 1..number])]
          number += 1
        elsif indented?(lines[number]) && lines[number - 1].empty?
          number += 1 while number < lines.size && (lines[number].empty? || indented?(lines[number]))
          found << [first + 1, "", unindent(lines[first...number])]
          number -= 1
        end
        number += 1
      end
      found
    end

    def indented?(line)
      line.start_with?("    ")
    end

    def unindent(lines)
      depth = lines.reject(&:empty?).map { |line| line[/\A */].size }.min
      "#{lines.map { |line| line[depth..] || "" }.join("\n").strip}\n"
    end

    # One block may have several files, each below its name.
    def parts(page, line, fence, text)
      parts = text.lines.slice_before { |one| FILE.match?(one.chomp) }
      parts.map do |lines|
        file = FILE.match(lines.first.chomp)&.[](:name)
        piece = Piece.new(page, line, kind(fence, file, lines), file, lines.join)
        line += lines.size
        piece
      end
    end

    def kind(fence, file, lines)
      return KINDS.find { |ending, _| file.start_with?(ending) || file.end_with?(ending) }.last if file
      return FENCES.fetch(fence, fence.to_sym) unless fence.empty?

      BEGINNINGS.find { |beginning, _| beginning.match?(lines.first.chomp) }&.last || :shell
    end
  end
end
