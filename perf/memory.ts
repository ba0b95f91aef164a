/**
 * `npm run build && node perf/memory.ts`: what a worker holds in RAM. Printed, not kept; takes some thirty seconds and needs `wrk`.
 *
 * Weir as people run it (`node dist/cli.js run`, default settings, one worker) at rest, with 2,000 connections that are all
 * busy, and, started anew, with 10,000 that have had one answer each and idle. Resident memory of the worker alone, from
 * /proc/PID/status: the control process carries no traffic and has the same size whatever the load. `file` is the part that
 * processes of Node share (its program, and libraries).
 */
import { execFile, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { takeNothing } from './harness/command-line.ts'

const busy = 2_000
const idle = 10_000
/** So many connections are opened at a time: a kernel's backlog is no deeper than 128 everywhere. */
const openedAtOnce = 100
const cli = join(import.meta.dirname, '../dist/cli.js')
const run = promisify(execFile)

interface Process {
  readonly pid: number
  /** Lines of JSON on its standard output. */
  readonly lines: AsyncIterator<string>
  stop(): void
}

function start(command: readonly string[]): Process {
  const [program, ...parameters] = command as [string, ...string[]]
  const child = spawn(program, parameters, { stdio: ['pipe', 'pipe', 'inherit'] })
  return {
    pid: child.pid as number,
    lines: createInterface({ input: child.stdout })[Symbol.asyncIterator](),
    stop: () => void child.kill('SIGTERM'),
  }
}

async function lineWith<T>(
  process: Process,
  wanted: (line: Record<string, unknown>) => T | null,
): Promise<T> {
  for (;;) {
    const { value, done } = await process.lines.next()
    if (done === true) throw new Error('it has ended before it was ready')
    const found = wanted(JSON.parse(value) as Record<string, unknown>)
    if (found !== null) return found
  }
}

interface Weir extends Process {
  readonly port: number
  readonly worker: number
}

async function startWeir(folder: string, origin: string): Promise<Weir> {
  const file = join(folder, 'config.json')
  const app = { endpoints: [origin], queue: { limit: busy } }
  writeFileSync(
    file,
    JSON.stringify({ listen: { host: '127.0.0.1', port: 0 }, workers: 1, upstreams: { app } }),
  )
  const weir = start([process.execPath, cli, 'run', '--config', file])
  let port = 0
  await lineWith(weir, ({ msg, port: found }) => {
    if (msg === 'listening') port = Number(found)
    return msg === 'ready' ? true : null
  })
  const children = readFileSync(`/proc/${weir.pid}/task/${weir.pid}/children`, 'utf8').trim().split(' ')
  return { ...weir, port, worker: Number(children[0]) }
}

function print(what: string, pid: number): void {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const mebibytes = (name: string) =>
    Number(new RegExp(`^${name}:\\s*(\\d+) kB$`, 'm').exec(status)?.[1]) / 1024
  const [resident, highest, file] = ['VmRSS', 'VmHWM', 'RssFile'].map((name) => mebibytes(name).toFixed(0))
  console.log(`${what.padEnd(34)} ${resident} MiB resident (file ${file}), highest ${highest}`)
}

/** Each asks once and then says nothing more. */
async function openIdle(port: number): Promise<Socket[]> {
  const sockets: Socket[] = []
  const openOne = () =>
    new Promise<void>((resolve, reject) => {
      const socket = connect(port, '127.0.0.1', () => socket.write('GET / HTTP/1.1\r\nHost: memory\r\n\r\n'))
      socket.on('error', reject).once('data', () => resolve())
      sockets.push(socket)
    })
  while (sockets.length < idle) await Promise.all(Array.from({ length: openedAtOnce }, openOne))
  return sockets
}

takeNothing('perf/memory.ts', 'what a worker holds in RAM; thirty seconds, needs wrk and `npm run build`')
if (!existsSync(cli)) throw new Error(`${cli} is not there: npm run build`)
const folder = mkdtempSync(join(tmpdir(), 'weir-memory-'))
const origin = start([process.execPath, join(import.meta.dirname, 'harness/origin.ts')])
const started: Process[] = [origin]
try {
  const url = `http://127.0.0.1:${await lineWith(origin, ({ port }) => (typeof port === 'number' ? port : null))}`
  const loaded = await startWeir(folder, url)
  started.push(loaded)
  print('at rest', loaded.worker)
  const load = run('wrk', ['-t2', `-c${busy}`, '-d12s', `http://127.0.0.1:${loaded.port}/`])
  await sleep(10_000)
  print(`${busy.toLocaleString('en-US')} busy connections, after 10 s`, loaded.worker)
  const { stdout } = await load
  console.log(stdout.match(/Requests\/sec.*|Non-2xx.*|Socket errors.*/g)?.join('; ') ?? stdout)
  loaded.stop()
  const idling = await startWeir(folder, url)
  started.push(idling)
  const sockets = await openIdle(idling.port)
  print(`${idle.toLocaleString('en-US')} idle connections`, idling.worker)
  for (const socket of sockets) socket.destroy()
} finally {
  for (const process of started) process.stop()
  rmSync(folder, { recursive: true })
}
