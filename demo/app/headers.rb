# frozen_string_literal: true

module Demo
  # The request as Puma hands it to an application, that is: after thrust has had its say.
  module Headers
    def self.call(request)
      fields = fields(request)
      case request.get_header("HTTP_ACCEPT")
      when %r{text/html}
        Page.respond("headers", title: "Request headers", line: line(request), fields: fields)
      else
        text = [line(request), *fields.map { |name, value| "#{name}: #{value}" }].join("\n")
        [200, { "content-type" => "text/plain; charset=utf-8", "cache-control" => "no-store" }, ["#{text}\n"]]
      end
    end

    def self.line(request)
      protocol = request.get_header("HTTP_VERSION") || request.get_header("SERVER_PROTOCOL")
      "#{request.request_method} #{request.fullpath} #{protocol}"
    end

    # Rack keeps the field X-Request-Id as HTTP_X_REQUEST_ID. HTTP_VERSION is the protocol, not a field.
    def self.fields(request)
      request.env
        .select { |key, value| key.start_with?("HTTP_") && key != "HTTP_VERSION" && value.is_a?(String) }
        .to_h { |key, value| [key.delete_prefix("HTTP_").split("_").map(&:capitalize).join("-"), value.dup.force_encoding("UTF-8").scrub] }
        .sort.to_h
    end

    private_class_method :line, :fields
  end
end
