/**
 * A closed loop of WebSocket messages: each connection sends its next one when the last has come back. A process of its
 * own, so that it can be placed on a core and does not share one with the harness:
 *
 *     node perf/harness/websocket-load.ts --connections 64 --seconds 3 --bytes 100 ws://127.0.0.1:40123/
 *
 * prints the figures of a load generator as one JSON object.
 */
import { createHistogram } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { WebSocket } from 'ws'
import type { LoadFigures } from './load-figures.ts'
import { payload } from './payload.ts'
import type { Load } from './scenario.ts'

const thisFile = fileURLToPath(import.meta.url)

/** What `node` is to run. */
export function webSocketLoadArguments(load: Load, seconds: number, url: string): readonly string[] {
  const counts = { connections: load.connections, seconds, bytes: load.bodyBytes }
  const options = Object.entries(counts).flatMap(([name, count]) => [`--${name}`, String(count)])
  return [thisFile, ...options, url.replace(/^http/, 'ws')]
}

interface Counts {
  echoes: number
  bytes: number
  errors: number
  wrong: number
  running: boolean
}

async function main(url: string, connections: number, seconds: number, bytes: number): Promise<LoadFigures> {
  const message = Buffer.from(payload(bytes))
  // Nanoseconds, up to a minute.
  const latency = createHistogram({ lowest: 1, highest: 60e9, figures: 3 })
  const counts: Counts = { echoes: 0, bytes: 0, errors: 0, wrong: 0, running: true }
  const sockets = Array.from({ length: connections }, () => open(url))
  await Promise.all(sockets.map((socket) => settled(socket, counts)))
  const begun = process.hrtime.bigint()
  for (const socket of sockets) echo(socket, message, latency, counts)
  await sleep(seconds * 1000)
  counts.running = false
  const elapsed = Number(process.hrtime.bigint() - begun) / 1e9
  for (const socket of sockets) socket.terminate()
  return {
    requests: counts.echoes,
    seconds: elapsed,
    requestsPerSecond: counts.echoes / elapsed,
    bytesRead: counts.bytes,
    latency: {
      averageUs: counts.echoes === 0 ? 0 : latency.mean / 1000,
      deviationUs: counts.echoes === 0 ? 0 : latency.stddev / 1000,
      maxUs: latency.max / 1000,
      p50Us: latency.percentile(50) / 1000,
      p99Us: latency.percentile(99) / 1000,
      p999Us: latency.percentile(99.9) / 1000,
    },
    failed: { error: counts.errors, wrong: counts.wrong },
  }
}

function open(url: string): WebSocket {
  return new WebSocket(url, { rejectUnauthorized: false, handshakeTimeout: 5000, perMessageDeflate: false })
}

/** Resolves when it is open or has failed, which is counted; also what fails later is, as long as the run lasts. */
function settled(socket: WebSocket, counts: Counts): Promise<void> {
  return new Promise((resolve) => {
    socket.once('open', resolve)
    socket.once('close', () => {
      if (counts.running) counts.errors++
      resolve()
    })
    // A close follows, which is what counts.
    socket.on('error', () => {})
  })
}

function echo(
  socket: WebSocket,
  message: Buffer,
  latency: ReturnType<typeof createHistogram>,
  counts: Counts,
): void {
  if (socket.readyState !== WebSocket.OPEN) return
  let sent = process.hrtime.bigint()
  socket.on('message', (data: Buffer) => {
    const now = process.hrtime.bigint()
    if (!counts.running) return
    counts.echoes++
    counts.bytes += data.length
    if (data.length !== message.length) counts.wrong++
    latency.record(now - sent)
    sent = now
    socket.send(message)
  })
  socket.send(message)
}

if (process.argv[1] === thisFile) {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      connections: { type: 'string', default: '64' },
      seconds: { type: 'string', default: '3' },
      bytes: { type: 'string', default: '100' },
    },
  })
  const figures = await main(
    positionals[0]!,
    Number(values.connections),
    Number(values.seconds),
    Number(values.bytes),
  )
  console.log(JSON.stringify(figures))
}
