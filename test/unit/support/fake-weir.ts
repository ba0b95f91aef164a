/**
 * Stands in for Weir in the tests of support/weir.ts: the log lines, signals and exit codes of a Weir with two
 * workers, without any of the rest. `FAKE_FAIL` in the environment: says so and fails.
 */
import { spawn } from 'node:child_process'

if (process.env.FAKE_FAIL) {
  process.stderr.write('the port 80 may not be bound\n')
  process.exit(1)
}
const say = (line: object) =>
  process.stdout.write(`${JSON.stringify({ level: 30, pid: process.pid, ...line })}\n`)
const idle = ['-e', 'process.on("disconnect", () => process.exit()); setInterval(() => {}, 1e6)']
const workers = [1, 2].map((worker) => {
  const child = spawn(process.execPath, idle, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  say({ msg: 'worker started', worker, workerPid: child.pid })
  return child
})
process.on('SIGTERM', () => {
  for (const child of workers) child.kill('SIGKILL')
  say({ msg: 'bye' })
  process.exitCode = 7
  clearInterval(timer)
})
process.on('SIGUSR2', () => {
  for (const worker of [2, 1]) {
    say({
      msg: 'stats',
      worker,
      inFlight: worker,
      queued: 0,
      connections: 1,
      endpoints: [{ inFlight: 2 }],
      rssBytes: 1,
      heapUsedBytes: 1,
      webSockets: 0,
    })
  }
})
const timer = setInterval(() => undefined, 1e6)
for (const worker of [1, 2]) say({ msg: 'listening', worker, host: '127.0.0.1', port: 4711 })
process.stdout.write('not JSON\n')
say({ msg: 'ready', args: process.argv.slice(2) })
