# frozen_string_literal: true

# What a load generator has counted: times in seconds and milliseconds, bytes of heads and bodies where it knows them.

require_relative "failure"

module Bench
  Result = Struct.new(:seconds, :requests, :bytes, :p50, :p99, :worst, :others, keyword_init: true) do
    LONGEST_HEAD = 1_000 # bytes
    PADDING = 64 # bytes that a coded body may differ by: thrust makes their lengths differ by up to 32

    # From the words of bench/wrk.lua, which others use as well.
    def self.read(output, who)
      _, figures = output.split("RESULT\n")
      raise Failure, "#{who}: #{output.strip.lines.last(3).join.strip}" unless figures

      figures = figures.lines.to_h { |line| line.split.then { |name, number| [name, Float(number)] } }
      failed = figures.fetch("failed", 0)
      raise Failure, "#{who}: #{failed.to_i} requests failed, so the others say nothing" if failed.positive?

      raise Failure, "#{who}: no request was answered in time" unless figures.fetch("requests").positive?

      new(requests: figures.fetch("requests"), bytes: figures["bytes"], seconds: figures.fetch("microseconds") / 1e6,
          **%w[p50 p99 worst].to_h { |name| [name.to_sym, figures.fetch(name) / 1e3] })
    end

    def per_second = requests / seconds
    def waits = { p50: p50, p99: p99, worst: worst }
    # Other figures of the same time.
    def besides = others.to_h

    # A load generator looks at no body, and takes a 200 for a 206. But it counts bytes: those of whole answers, and of
    # those that were under way when the time was over.
    def weigh(length)
      each = bytes / requests
      return if each >= length - PADDING && each < length * 2 + LONGEST_HEAD

      raise Failure, "#{each.round} bytes for each answer of #{length}"
    end
  end
end
