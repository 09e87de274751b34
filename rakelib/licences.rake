# frozen_string_literal: true

require "cgi"
require "json"

# The licence texts of what others wrote and the executable contains: they let it, and ask for that. From the crates as
# cargo has them, hence the same for the same Cargo.lock, target and Rust.

LICENCES = "THIRD-PARTY-LICENSES"
LICENCE_NAME = %r{(?:\A|/)(?:LICEN[CS]E|COPYING|COPYRIGHT|NOTICE)(?:[-._][^/]*)?\z}i
PROGRAM_TEXT = /\.(?:rs|c|h|py|go|pl)\z/
APACHE_NOTICE = %r{<details>\s*<summary>[^\n]*APACHE.*?</details>}m

RULE = "-" * 100

# One text for the gem of that platform.
def third_party_licences(platform)
  target = TARGETS.fetch(platform) # compile.rake's
  silent, speaking = linked_crates(target).partition { |crate| licence_files(crate).empty? }
  texts = speaking.flat_map { |crate| licence_files(crate).map { |path| [read_licence(path), described(crate)] } }
  texts += toolchain_licences(target)

  <<~START + [*grouped(texts), *silent.map { |crate| without_text(crate) }].map { |part| "#{RULE}\n#{part}\n" }.join
    thrust itself is under the licence in MIT-LICENSE. Its executable contains work of others, under the licences below.
    Texts that are equal are here once, below the names of all they are for.

  START
end

# What ends up in the executable: not what only builds or tests it.
def linked_crates(target)
  tree = cargo("tree", "--package", "thrust", "--edges", "normal,no-proc-macro", "--target", target,
               "--prefix", "none", "--no-dedupe", "--format", "{p}")
  linked = tree.lines.map { |line| line.split.first(2) }.uniq
  packages = JSON.parse(cargo("metadata", "--format-version", "1", "--filter-platform", target)).fetch("packages")
  packages.select { |crate| crate["source"] && linked.include?([crate["name"], "v#{crate["version"]}"]) }
          .sort_by { |crate| crate.values_at("name", "version") }
end

def cargo(command, *words)
  output = IO.popen(["cargo", command, "--locked", *words], external_encoding: "UTF-8", &:read)
  $?.success? ? output : abort("cargo #{command} failed")
end

# Where one may choose, MIT's text or BSD's is carried and not the longer one that it stands beside.
def licence_files(crate)
  folder = File.dirname(crate.fetch("manifest_path"))
  names = Dir.glob("**/*", base: folder).grep(LICENCE_NAME).grep_v(PROGRAM_TEXT)
  names.select! { |name| File.file?("#{folder}/#{name}") }
  names.reject { |name| chosen_against?(name, names, crate) }.sort.map { |name| "#{folder}/#{name}" }
end

def chosen_against?(name, names, crate)
  beside = (names - [name]).select { |other| File.dirname(other) == File.dirname(name) }.map { |other| File.basename(other) }
  case File.basename(name)
  when /apache/i then !crate["license"].to_s.include?("AND") && beside.grep(/mit/i).any?
  when "COPYING" then beside.grep(/\ALICENSE(?:-MIT)?\z/).any? # zstd's GPL, and memchr's word that there is a choice
  end
end

def read_licence(path)
  File.read(path, encoding: "UTF-8").scrub.delete_prefix("\uFEFF").gsub(/[ \t\r]+$/, "").strip
end

# What is in every executable that rustc links; a Rust of some distribution's may have no notices to take.
def toolchain_licences(target)
  notices = rust_path("share/doc/rust/COPYRIGHT-library.html") # compile.rake's
  texts = File.exist?(notices) ? [[standard_library_licences(notices), "Rust's standard library"]] : []
  texts << [read_licence("rakelib/musl-copyright.txt"), "musl, the C library"] if target.end_with?("musl")
  texts
end

# It is a page; of each part of the library, MIT's text is carried and not Apache's, as above.
def standard_library_licences(page)
  parts = read_licence(page).gsub(%r{<(style|title)>.*?</\1>}m, "").split(/(?=<h3>)/)
  chosen = parts.map { |part| part.include?("<code>LICENSE-MIT<") ? part.gsub(APACHE_NOTICE, "") : part }
  plain = CGI.unescapeHTML(chosen.join.gsub(/<[^>]+>/, ""))
  plain.gsub(/^[ \t]+|[ \t]+$/, "").gsub(/\n{3,}/, "\n\n").strip
end

# How lines are broken makes no other text.
def grouped(texts)
  texts.group_by { |text, _| text.split.join(" ") }.values.map do |same|
    "#{same.map(&:last).uniq.join("\n")}\n\n#{same.first.first}\n"
  end
end

def described(crate)
  "#{crate["name"]} #{crate["version"]} (#{crate["license"]})"
end

def without_text(crate)
  "#{described(crate)}\n\nIt comes without the text. Its authors: #{crate["authors"].join(", ")}. #{crate["repository"]}\n"
end
