// What the page of browser.test.ts can be asked to do. Served as /page.js; a module, so that /greeting.js is one more request.
import { greeting } from './greeting.js'

const hex = (buffer) => [...new Uint8Array(buffer)].map((byte) => byte.toString(16).padStart(2, '0')).join('')
const sha256 = async (buffer) => hex(await crypto.subtle.digest('SHA-256', buffer))

/** Bytes that no compression and no guess makes shorter; getRandomValues gives 64 KiB at a time. */
function randomBytes(total) {
  const bytes = new Uint8Array(total)
  for (let at = 0; at < total; at += 65_536) crypto.getRandomValues(bytes.subarray(at, at + 65_536))
  return bytes
}

let reader = null
let source = null
const events = []

window.weir = {
  async get(path) {
    const answer = await fetch(path)
    const { status, redirected, url } = answer
    return { status, redirected, url, headers: Object.fromEntries(answer.headers), text: await answer.text() }
  },

  async postJson(path, value) {
    const headers = { 'Content-Type': 'application/json' }
    const answer = await fetch(path, { method: 'POST', headers, body: JSON.stringify(value) })
    return { status: answer.status, body: await answer.json() }
  },

  async postBlob(path, total) {
    const bytes = randomBytes(total)
    const answer = await fetch(path, { method: 'POST', body: new Blob([bytes]) })
    return { sent: await sha256(bytes), received: await answer.text() }
  },

  async openStream(path) {
    reader = (await fetch(path)).body.pipeThrough(new TextDecoderStream()).getReader()
  },

  /** The next piece, or null at the end. */
  async nextPiece() {
    const { done, value } = await reader.read()
    return done ? null : value
  },

  listen(path) {
    source = new EventSource(path)
    source.addEventListener('tick', ({ data, lastEventId }) => events.push(`${lastEventId}: ${data}`))
  },

  /** All events once there are so many. */
  async events(count) {
    while (events.length < count)
      await new Promise((resolve) => source.addEventListener('tick', resolve, { once: true }))
    return events
  },

  stopListening() {
    source.close()
  },

  /** Sends texts and one binary message of `total` bytes, gets each back, and closes. */
  async webSocket(path, texts, total) {
    const socket = new WebSocket(path, ['first', 'second'])
    socket.binaryType = 'arraybuffer'
    const back = []
    const closed = new Promise((resolve) => {
      socket.onclose = resolve
    })
    const bytes = randomBytes(total)
    socket.onopen = () => {
      for (const text of texts) socket.send(text)
      socket.send(bytes)
    }
    socket.onmessage = ({ data }) => {
      back.push(data)
      if (back.length === texts.length + 1) socket.close(4000, 'enough')
    }
    const { code, wasClean } = await closed
    const equal = back.at(-1) instanceof ArrayBuffer && (await sha256(back.at(-1))) === (await sha256(bytes))
    return { protocol: socket.protocol, texts: back.slice(0, -1), equal, code, wasClean }
  },
}

document.querySelector('h1').textContent = greeting
document.documentElement.dataset.ready = 'yes'
