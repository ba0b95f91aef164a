/**
 * Loaded into Weir (`--import`) before its own modules: counts what its two queues do, and tells whoever connects to its
 * Unix socket. Costs a call per count, so it has no place in a timed turn.
 *
 *   turns      fastq's worker was called: one per request and attempt, or something goes round twice
 *   requests   given to undici
 *   most       requests that undici had at once: more than its connections may take would be its own queue
 */
import { subscribe } from 'node:diagnostics_channel'
import { createRequire, Module } from 'node:module'
import { createServer } from 'node:net'
import { join } from 'node:path'

export interface QueueCounts {
  readonly turns: number
  readonly requests: number
  readonly most: number
}

type Worker = (this: unknown, task: unknown, done: unknown) => void
type Fastq = (worker: Worker, concurrency: number) => unknown

const folder = process.env.WEIR_QUEUE_PROBE
const counts = { turns: 0, requests: 0, most: 0 }

/** A module in place of fastq, for `import` too, which takes what `require` has in its cache. */
function countTurns(): void {
  const require = createRequire(import.meta.url)
  const path = require.resolve('fastq')
  const fastq = require('fastq') as Fastq
  const counting: Fastq = (worker, concurrency) =>
    fastq(function (task, done) {
      counts.turns++
      worker.call(this, task, done)
    }, concurrency)
  // A new one: of a module that has been loaded, `import` remembers what it exported then.
  const module = new Module(path)
  module.exports = Object.assign(counting, fastq)
  module.loaded = true
  require.cache[path] = module
}

function countRequests(): void {
  let now = 0
  const ended = (): void => {
    now--
  }
  subscribe('undici:request:create', () => {
    counts.requests++
    counts.most = Math.max(counts.most, ++now)
  })
  subscribe('undici:request:trailers', ended)
  subscribe('undici:request:error', ended)
}

if (folder !== undefined) {
  countTurns()
  countRequests()
  const server = createServer((socket) => {
    socket.on('error', () => {})
    socket.end(JSON.stringify(counts))
  })
  server.on('error', () => {})
  server.listen(join(folder, `${process.pid}.sock`)).unref()
}
