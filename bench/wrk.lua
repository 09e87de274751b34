local threads = 0

function setup(thread)
  thread:set("place", threads)
  threads = threads + 1
end

-- What we define wrk asks us for, before each request. Without, it sends the same one again at once, which is cheaper.
function init(args)
  if args[1] == "endings" then ask_in_turn(args[2], args[3]) end
  if args[1] == "pause" then pause(tonumber(args[2])) end
  if args[1] == "upload" then upload(tonumber(args[2])) end
end

-- With a file of endings and a beginning, asks for one path after the other, over and over.
function ask_in_turn(file, beginning)
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

-- The same request each time, which wrk makes once.
function upload(bytes)
  wrk.method = "POST"
  wrk.body = string.rep("u", bytes)
end

-- By chance, so that connections do not ask in step.
function pause(most)
  math.randomseed(place)

  function delay() return math.random(0, most) end
end

-- What wrk has measured, a name and a number a line. Latencies are in microseconds.
function done(summary, latency, requests)
  local errors = summary.errors
  print("RESULT")
  print("requests", summary.requests)
  print("bytes", summary.bytes)
  print("microseconds", summary.duration)
  print("p50", latency:percentile(50))
  print("p99", latency:percentile(99))
  print("worst", latency.max)
  print("failed", errors.connect + errors.read + errors.write + errors.status + errors.timeout)
end
