/** How a Weir is started, watched and ended, with a stand-in for Weir. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { after, test } from 'node:test'
import { isAlive, rssBytes } from '../../support/process-info.ts'
import { startWeir, total } from '../../support/weir.ts'

const options = { entry: join(import.meta.dirname, 'fake-weir.ts') }
const leftBehind: { pids: number[]; files: string[] } = { pids: [], files: [] }

test('startWeir ready gives port, workers and log', async (t) => {
  const weir = await startWeir(t, { upstreams: {} }, { ...options, args: ['--x'] })
  assert.deepEqual([weir.port, weir.ports], [4711, [4711]])
  assert.equal(weir.workerPids().length, 2)
  assert.deepEqual(
    weir.workerPids(),
    weir.log.named('worker started').map((line) => line.workerPid),
  )
  assert.ok(rssBytes(weir.workerPids()[0]!) > 1_000_000)
  assert.deepEqual(weir.log.garbled, ['not JSON'])
  const { args } = weir.log.named('ready')[0]! as unknown as { args: string[] }
  assert.deepEqual([args[0], args[1], args[3]], ['run', '--config', '--x'])
  assert.deepEqual(JSON.parse(readFileSync(args[2]!, 'utf8')), {
    listen: { host: '127.0.0.1', port: 0 },
    upstreams: {},
  })
  leftBehind.pids.push(weir.pid, ...weir.workerPids())
  leftBehind.files.push(dirname(args[2]!))
})

after(() => {
  for (const pid of leftBehind.pids) assert.ok(!isAlive(pid), `process ${pid} outlived its test`)
  for (const file of leftBehind.files) assert.ok(!existsSync(file), `${file} was left behind`)
})

test('stats are fresh each time and sorted by worker', async (t) => {
  const weir = await startWeir(t, {}, options)
  for (let i = 0; i < 3; i++) {
    const lines = await weir.stats()
    assert.deepEqual(
      lines.map((line) => line.worker),
      [1, 2],
    )
    assert.deepEqual(total(lines), { inFlight: 3, queued: 0, connections: 2, attemptsInFlight: 4 })
  }
  assert.equal(weir.log.named('stats').length, 6)
})

test('stop gives the exit code', async (t) => {
  const weir = await startWeir(t, {}, options)
  assert.equal(await weir.stop(), 7)
  assert.equal(weir.log.lines.at(-1)!.msg, 'bye')
})

test('startWeir that fails throws with what it printed', async (t) => {
  await assert.rejects(
    startWeir(t, {}, { ...options, env: { FAKE_FAIL: '1' } }),
    /ended with 1 .*\n.*port 80 may not/,
  )
})
