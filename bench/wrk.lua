local threads = 0

function setup(thread)
  thread:set("place", threads)
  threads = threads + 1
end

-- With a file of endings and a beginning, asks for one path after the other, over and over. Without, wrk sends the same
-- request again without asking us, which is cheaper.
function init(args)
  local file, beginning = args[1], args[2]
  if not file then return end

  local endings = {}
  for line in io.lines(file) do endings[#endings + 1] = line end
  beginning = "GET " .. beginning
  local rest = " HTTP/1.1\r\nHost: " .. wrk.headers["Host"] .. "\r\n\r\n"
  -- Far from where other threads start: in step they would find each other's keys in the CPU's cache. A large prime.
  local at = place * 104729 % #endings

  function request()
    at = at % #endings + 1
    return beginning .. endings[at] .. rest
  end
end

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
