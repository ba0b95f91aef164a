/**
 * `node perf/shedding.ts`: what it costs to refuse. Printed, not kept; takes some fifteen seconds and needs `wrk`.
 *
 * First the queue alone, in nanoseconds for each operation. Then a real worker in front of an origin that never answers, loaded by
 * wrk: CPU time of the worker for each answer, from the parser to the last byte, beside that of a fixed answer (`/isolated`),
 * which is the least that any answer costs.
 */
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises'
import { promisify } from 'node:util'
import { Admission, type Applicant, type Ticket } from '../src/proxy/admission.ts'
import { takeNothing } from './harness/command-line.ts'
import { treeCpuTime } from './harness/cpu.ts'

class Client implements Applicant {
  ticket: Ticket | null = null
  shedTimes = 0
  queued(ticket: Ticket): void {
    this.ticket = ticket
  }
  admitted(): void {}
  shed(): void {
    this.shedTimes++
  }
}

const operations = 1_000_000
const [high, low] = [0, 2]

/** Nanoseconds for one of many. The first round warms up; the best of the others counts. */
async function nanoseconds(round: (times: number) => Promise<void> | void): Promise<number> {
  await round(operations / 4)
  let best = Number.POSITIVE_INFINITY
  for (let count = 0; count < 5; count++) {
    const before = performance.now()
    await round(operations)
    best = Math.min(best, ((performance.now() - before) * 1e6) / operations)
  }
  return best
}

function full(targetMs: number, limit: number, priority: number): { admission: Admission; client: Client } {
  let now = 0
  const admission = new Admission(1, limit, () => (now += 0.01))
  admission.controlDelay(targetMs, 100)
  const client = new Client()
  for (let count = 0; count <= limit; count++) admission.enter(client, priority)
  return { admission, client }
}

async function queueAlone(): Promise<void> {
  for (const targetMs of [0, 5]) {
    const free = new Admission(10, 10)
    free.controlDelay(targetMs, 100)
    const client = new Client()
    const admitted = await nanoseconds((times) => {
      for (let count = 0; count < times; count++) {
        free.enter(client)
        free.release(client.ticket as Ticket)
      }
    })
    const delay = targetMs === 0 ? 'off' : 'on'
    print(`a place free: in and out, controlled delay ${delay}`, admitted, 'ns')
  }
  const refusing = full(0, 1_000, low)
  const refused = await nanoseconds((times) => {
    for (let count = 0; count < times; count++) refusing.admission.enter(refusing.client, low)
  })
  print('queue full: refused', refused, 'ns')
  const displacing = full(0, 1_000, low)
  const displaced = await nanoseconds(async (times) => {
    for (let done = 0; done < times; done += 500) {
      const tickets: Ticket[] = []
      for (let count = 0; count < 500; count++) {
        displacing.admission.enter(displacing.client, high)
        tickets.push(displacing.client.ticket as Ticket)
      }
      await turn()
      for (const ticket of tickets) displacing.admission.abandon(ticket)
      for (let count = 0; count < 500; count++) displacing.admission.enter(displacing.client, low)
    }
  })
  print('displaced by a higher class (with one more that comes and one that goes)', displaced, 'ns')
  const standing = full(5, 1_000, low)
  standing.admission.limit = Number.POSITIVE_INFINITY
  const shed = await nanoseconds(async (times) => {
    for (let done = 0; done < times; done += 500) {
      for (let count = 0; count < 500; count++) standing.admission.enter(standing.client, low)
      await turn()
    }
  })
  print(`controlled delay: one comes, an old one is shed (${standing.client.shedTimes} were)`, shed, 'ns')
}

async function wholeAnswers(): Promise<void> {
  const origin = createServer((socket) => socket.on('error', () => undefined).resume())
  await once(origin.listen(0, '127.0.0.1'), 'listening')
  const url = `http://127.0.0.1:${(origin.address() as AddressInfo).port}`
  const upstream = { endpoints: [url], health: false, connections: 1, timeouts: { headers: '0s' } }
  const config = {
    listen: { host: '127.0.0.1', port: 0 },
    log: { level: 'info', access: 'off' },
    upstreams: {
      full: { ...upstream, queue: { limit: 0 } },
      standing: { ...upstream, queue: { limit: 10_000, target: '5ms', timeout: '60s' } },
    },
    routes: [
      { path: '/isolated', respond: { status: 200, body: 'hello' } },
      { path: '/full', upstream: 'full' },
      { path: '/standing', upstream: 'standing' },
    ],
  }
  const directory = mkdtempSync(join(tmpdir(), 'weir-shedding-'))
  const file = join(directory, 'config.json')
  writeFileSync(file, JSON.stringify(config))
  const cli = join(import.meta.dirname, '../src/cli.ts')
  const weir = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', cli, 'run', '--inline', '--config', file],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  )
  try {
    let port = 0
    for await (const line of createInterface({ input: weir.stdout })) {
      const { msg, port: found } = JSON.parse(line) as { msg: string; port: number }
      if (msg === 'listening') port = found
      if (msg === 'ready') break
    }
    weir.stdout.resume()
    for (const [path, what] of [
      ['/isolated', 'a fixed answer, for comparison'],
      ['/full', '503 queue_full'],
      ['/standing', '503 shed, by controlled delay'],
    ] as const) {
      // It takes the only place, and keeps it.
      if (path !== '/isolated') fetch(`http://127.0.0.1:${port}${path}`).catch(() => undefined)
      await sleep(200)
      print(what, await cpuPerAnswer(weir.pid as number, `http://127.0.0.1:${port}${path}`), 'us of CPU time')
    }
  } finally {
    weir.kill('SIGKILL')
    origin.close()
    rmSync(directory, { recursive: true })
  }
}

const run = promisify(execFile)

async function cpuPerAnswer(pid: number, url: string): Promise<number> {
  // Few would all wait for the same tick: an idle worker would be measured.
  const wrk = (seconds: number) => run('wrk', ['-t1', '-c1024', `-d${seconds}s`, url])
  await wrk(1)
  const before = treeCpuTime(pid)
  const { stdout } = await wrk(3)
  const after = treeCpuTime(pid)
  const answers = Number(/(\d+) requests in/.exec(stdout)?.[1])
  if (before === null || after === null || !(answers > 0))
    throw new Error(`nothing to be measured:\n${stdout}`)
  return (after.userUs + after.systemUs - before.userUs - before.systemUs) / answers
}

function print(what: string, value: number, unit: string): void {
  console.log(`${value.toFixed(unit === 'ns' ? 0 : 1).padStart(8)} ${unit}  ${what}`)
}

takeNothing('perf/shedding.ts', 'what it costs to refuse; fifteen seconds, needs wrk')
await queueAlone()
await wholeAnswers()
process.exit(0)
