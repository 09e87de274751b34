# frozen_string_literal: true

# A page that says by which protocol it came (Resource Timing section 4.3).
PAGE = <<~HTML
  <!doctype html><title>Protocol</title><p id="protocol"></p>
  <script>
    const [navigation] = performance.getEntriesByType("navigation")
    document.getElementById("protocol").textContent = `protocol: ${navigation.nextHopProtocol}`
  </script>
HTML

run(->(_env) { [200, { "content-type" => "text/html" }, [PAGE]] })
