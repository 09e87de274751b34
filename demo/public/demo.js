"use strict"

// Each part of the home page is a <section id>, and each function below brings one of them to life.
// Inside of its section an element is found by its data- attribute: part.log is [data-log].
function section(id, live) {
  const root = document.getElementById(id)
  if (!root) return

  const part = new Proxy({}, { get: (_, name) => root.querySelector(`[data-${name}]`) })
  live(part, root)
}

const seconds = (since) => (performance.now() - since) / 1000
const megabytes = (bytes) => (bytes / 1e6).toFixed(1) + " MB"

function show(element, text, mood = "") {
  element.textContent = text
  element.className = `result ${mood}`
}

section("clock", (part, root) => {
  let source, ticks

  function start() {
    ticks = 0
    source = new EventSource("/clock")
    source.onopen = () => { part.state.dataset.state = "open" }
    source.onerror = () => { part.state.dataset.state = "closed"; part.note.textContent = "gone, trying again" }
    source.addEventListener("tick", ({ data }) => {
      const time = new Date(data)
      root.querySelector("output").textContent = time.toLocaleTimeString("en-GB")
      part.note.textContent = `${++ticks} events, the last one ${Math.max(0, Date.now() - time)} ms old`
    })
    part.toggle.textContent = "Stop"
  }

  function stop() {
    source.close()
    source = null
    part.state.dataset.state = ""
    part.note.textContent = "stopped"
    part.toggle.textContent = "Start"
  }

  part.toggle.onclick = () => source ? stop() : start()
  start()
})

section("echo", (part) => {
  const LINES = 100
  const waiting = [] // when each message left; echoes come back in order
  let socket

  function say(text, time = "") {
    const line = document.createElement("li")
    line.append(text)
    line.append(Object.assign(document.createElement("small"), { textContent: time }))
    part.log.append(line)
    if (part.log.children.length > LINES) part.log.firstChild.remove()
    part.log.scrollTop = part.log.scrollHeight
  }

  function connect() {
    socket = new WebSocket(`${location.protocol.replace("http", "ws")}//${location.host}/echo`)
    socket.onopen = () => { part.state.dataset.state = "open"; say("connected") }
    socket.onmessage = ({ data }) => {
      say(data, `${(performance.now() - waiting.shift()).toFixed(1)} ms`)
    }
    socket.onclose = ({ code, reason }) => {
      part.state.dataset.state = "closed"
      waiting.length = 0
      say(`closed: ${code} ${reason}`)
      setTimeout(connect, 2000)
    }
  }

  function send(text) {
    if (socket.readyState !== WebSocket.OPEN) return
    waiting.push(performance.now())
    socket.send(text)
  }

  part.form.onsubmit = (event) => {
    event.preventDefault()
    send(part.form.elements.text.value)
  }
  part.flood.onclick = () => { for (let i = 1; i <= 100; i++) send(`message ${i}`) }
  part.huge.onclick = () => send("x".repeat(64 * 1024 + 1))
  connect()
})

// fetch() cannot tell how far an upload has come; XMLHttpRequest can.
section("upload", (part) => {
  part.form.onsubmit = (event) => {
    event.preventDefault()
    const file = part.form.elements.file.files[0]
    const request = new XMLHttpRequest()
    const started = performance.now()

    request.upload.onprogress = ({ loaded, total }) => { part.progress.max = total; part.progress.value = loaded }
    request.onload = () => {
      const [checksum] = request.responseText.split(" ")
      if (request.status === 200) show(part.result, `${megabytes(file.size)} in ${seconds(started).toFixed(2)} s, SHA-256 ${checksum}`, "good")
      else show(part.result, `${request.status}: ${request.responseText}`, "bad")
    }
    request.onerror = () => show(part.result, "The connection broke.", "bad")
    request.open("POST", part.form.action)
    request.setRequestHeader("Accept", "text/plain")
    request.send(new FormData(part.form))
    show(part.result, "sending")
  }
})

section("download", (part) => {
  // "sha-256=:BASE64:"; browsers offer checksums to safe origins only, and localhost is one.
  async function verify(response, blob) {
    if (!window.crypto.subtle) return "not checked: needs https or localhost"
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", await blob.arrayBuffer()))
    const sum = btoa(String.fromCharCode(...digest))
    return response.headers.get("repr-digest") === `sha-256=:${sum}:` ? "checksum as promised" : "CHECKSUM DIFFERS"
  }

  part.fetch.onclick = async () => {
    part.fetch.disabled = true
    show(part.result, "fetching")
    try {
      const started = performance.now()
      const response = await fetch("/download")
      const reader = response.body.getReader()
      const blocks = []
      let size = 0
      for (let block; !(block = await reader.read()).done;) {
        blocks.push(block.value)
        size += block.value.length
        part.progress.value = size
      }
      const took = seconds(started)
      const verdict = await verify(response, new Blob(blocks))
      show(part.result, `${megabytes(size)} in ${took.toFixed(2)} s, ${(size / 1e6 / took).toFixed(0)} MB/s, ${verdict}`,
        verdict.includes("DIFFERS") ? "bad" : "good")
    } catch (error) {
      show(part.result, `The connection broke: ${error.message}`, "bad")
    }
    part.fetch.disabled = false
  }
})

section("slow", (part) => {
  part.form.onsubmit = async (event) => {
    event.preventDefault()
    const asked = part.form.elements.seconds.value
    const started = performance.now()
    show(part.result, "waiting")
    try {
      const response = await fetch(`/slow?seconds=${encodeURIComponent(asked)}`)
      show(part.result, `${response.status} after ${seconds(started).toFixed(2)} s`, response.ok ? "good" : "bad")
    } catch (error) {
      show(part.result, error.message, "bad")
    }
  }
})

function cell(row, content, kind = "") {
  row.insertCell().append(content)
  row.lastChild.className = kind
}

function wrapped(name, textContent, className = "") {
  return Object.assign(document.createElement(name), { textContent, className })
}

// The browser's own cache would answer for thrust, so it is told not to. Only its timing knows what came over the wire.
async function ask(path) {
  const started = performance.now()
  const response = await fetch(path, { cache: "no-store" })
  const body = await response.blob()
  const took = performance.now() - started
  const entry = performance.getEntriesByName(response.url).at(-1)
  return { response, body, took, size: entry?.encodedBodySize || body.size }
}

section("assets", (part) => {
  const PATHS = ["/", "/demo.css", "/demo.js", "/diagram.svg", "/dusk.png", "/up"]

  async function table() {
    const rows = []
    performance.clearResourceTimings()
    for (const path of PATHS) {
      const { response, took, size } = await ask(path)
      const row = document.createElement("tr")
      const cache = response.headers.get("x-cache")
      cell(row, wrapped("code", path))
      cell(row, response.status)
      cell(row, wrapped("span", cache ?? "none", `badge ${cache}`))
      cell(row, response.headers.get("content-encoding") ?? "none")
      cell(row, size.toLocaleString("en"), "number")
      cell(row, took.toFixed(1), "number")
      rows.push(row)
    }
    part.rows.replaceChildren(...rows)
  }

  part.again.onclick = table
  table()
})

// Told when something was asked or purged: what is held may be something else now.
const changed = new EventTarget()

section("cache", (part) => {
  const PATHS = ["day", "news", "stale", "slow", "private", "cookie", "silent", "page.html", "noise.bin"]
  const MOST_TEXT = 100

  async function row(path) {
    const { response, body, took } = await ask(path)
    const row = document.createElement("tr")
    const cache = response.headers.get("x-cache")
    cell(row, wrapped("code", path))
    cell(row, wrapped("span", cache ?? "none", `badge ${cache}`))
    cell(row, wrapped("code", response.headers.get("cache-status") ?? "none"))
    cell(row, took.toFixed(1), "number")
    cell(row, body.size <= MOST_TEXT ? await body.text() : megabytes(body.size))
    return row
  }

  async function table(paths) {
    part.rows.replaceChildren(...await Promise.all(paths.map(row)))
    changed.dispatchEvent(new Event("change"))
  }

  const all = () => table(PATHS.map((name) => `/cached/${name}`))
  part.again.onclick = all
  part.together.onclick = () => table(Array(5).fill("/cached/slow"))
  all()
})

section("purge", (part, root) => {
  for (const button of root.querySelectorAll("button")) {
    button.onclick = async () => {
      const response = await fetch("/cache/purge", { method: "POST", body: new URLSearchParams(button.value) })
      const text = await response.text()
      if (response.ok) show(part.result, `${button.textContent}: ${JSON.parse(text).purged} gone`, "good")
      else show(part.result, text, "bad")
      changed.dispatchEvent(new Event("change"))
    }
  }
})

section("held", (part) => {
  const path = (url) => wrapped("code", url.replace(/^\w+:\/\/[^/]*/, ""))

  function entry({ url, tier, ttl, fresh, size, hits, codings, tags }) {
    const row = document.createElement("tr")
    cell(row, path(url))
    cell(row, tier)
    cell(row, fresh ? `${ttl} s` : "stale")
    cell(row, size.toLocaleString("en"), "number")
    cell(row, hits, "number")
    cell(row, codings.join(" "))
    cell(row, tags.join(" "))
    return row
  }

  function refusal({ url, reason, age }) {
    const row = document.createElement("tr")
    cell(row, path(url))
    cell(row, reason)
    cell(row, age)
    return row
  }

  changed.addEventListener("change", async () => {
    const response = await fetch("/cache/held")
    if (!response.ok) return
    const { entries, not_cached } = await response.json()
    part.entries.replaceChildren(...entries.map(entry))
    part.refusals.replaceChildren(...not_cached.map(refusal))
  })
})

section("headers", async (part) => {
  const response = await fetch("/headers", { headers: { accept: "text/plain" } })
  part.text.textContent = await response.text()
})
