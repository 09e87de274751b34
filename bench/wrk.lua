-- What wrk has measured, a name and a number a line. Latencies are in microseconds.
function done(summary, latency, requests)
  local errors = summary.errors
  print("RESULT")
  print("requests", summary.requests)
  print("microseconds", summary.duration)
  print("p50", latency:percentile(50))
  print("p99", latency:percentile(99))
  print("failed", errors.connect + errors.read + errors.write + errors.status + errors.timeout)
end
