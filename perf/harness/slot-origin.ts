/**
 * An origin whose capacity is known: so many slots, and a fixed time that each request has one. What finds none free waits inside,
 * first come, first served, without a bound. A client that goes is not noticed, as in most servers: its request is worked off. A
 * process of its own:
 *
 *     node perf/harness/slot-origin.ts --bytes 100 --slots 8 --service-ms 10
 *
 * prints one line, `{"port":40123}`, and ends when its standard input does, so that it cannot outlive who started it. Whatever
 * it reads there makes it forget who waits: what one subject has left behind is not to be the next one's wait.
 */
import { parseArgs } from 'node:util'
import { type HttpResponse, loadBinding } from '../../src/native/uws.ts'
import { payload } from './payload.ts'

interface Job {
  /** Null: its client is gone. */
  res: HttpResponse | null
}

const { values } = parseArgs({
  options: { bytes: { type: 'string' }, slots: { type: 'string' }, 'service-ms': { type: 'string' } },
})
const slots = wholeNumber('slots')
const serviceMs = wholeNumber('service-ms')
const body = Buffer.from(payload(wholeNumber('bytes')))
let waiting: Job[] = []
/** Of `waiting`: those before it have begun. */
let first = 0
let busy = 0

const { uws } = loadBinding()
uws
  .App()
  .any('/*', (res) => {
    const job: Job = { res }
    res.onAborted(() => {
      job.res = null
    })
    if (busy < slots) begin(job)
    else waiting.push(job)
  })
  .listen('127.0.0.1', 0, (socket) => {
    if (socket === false) {
      console.error('the origin cannot listen on 127.0.0.1')
      process.exit(1)
    }
    console.log(JSON.stringify({ port: uws.us_socket_local_port(socket) }))
  })

process.stdin.on('data', forget).on('end', () => process.exit(0))

function begin(job: Job): void {
  busy++
  setTimeout(() => {
    busy--
    job.res?.cork(() => void job.res?.writeHeader('Content-Type', 'text/plain').end(body))
    const next = waiting[first]
    if (next === undefined) return
    first++
    if (first === waiting.length) {
      waiting = []
      first = 0
    }
    begin(next)
  }, serviceMs)
}

function forget(): void {
  const forgotten = waiting.slice(first)
  waiting = []
  first = 0
  for (const { res } of forgotten) res?.close()
}

function wholeNumber(name: keyof typeof values): number {
  const value = Number(values[name])
  if (Number.isInteger(value) && value >= 1 && value <= 10_000) return value
  console.error(`--${name}: expected a whole number from 1 to 10000, found "${values[name]}"`)
  process.exit(2)
}
