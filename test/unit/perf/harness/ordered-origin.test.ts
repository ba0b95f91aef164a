import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { payload } from '../../../../perf/harness/payload.ts'
import { Processes } from '../../../../perf/harness/processes.ts'
import { startOrigins } from '../../../../perf/harness/subject.ts'
import { small } from '../../../../perf/scenarios/routes.ts'
import { waitFor } from '../../../support/wait.ts'

const folder = mkdtempSync(join(tmpdir(), 'weir-test-'))
const processes = new Processes()
after(async () => {
  await processes.stopAll()
  rmSync(folder, { recursive: true })
})

const slowMs = 1_000
const fast = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'
const slow = 'GET /slow HTTP/1.1\r\nHost: a\r\n\r\n'

async function start(name: string): Promise<string> {
  const bench = { processes, folder, cores: () => null, weir: '', allocation: false }
  const origin = { bytes: 100, webSocket: false, slow: { path: '/slow', ms: slowMs } }
  const [running] = await startOrigins(bench, { ...small, name: `ordered ${name}`, origin })
  return running!.url
}

/** A client that sends ahead. */
async function client(url: string) {
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  await once(socket, 'connect')
  let received = ''
  socket.setEncoding('latin1').on('data', (text: string) => {
    received += text
  })
  after(() => socket.destroy())
  return { socket, answers: () => received.split('HTTP/1.1 200 OK\r\n').slice(1) }
}

test('what stands behind a slow answer waits_for it, and what stands before it does not', async () => {
  const { socket, answers } = await client(await start('behind'))
  const began = performance.now()
  socket.write(fast + slow + fast)
  await waitFor(() => answers().length > 0, { what: 'the first answer' })
  assert.equal(answers().length, 1)
  await waitFor(() => answers().length === 3, { what: 'the others' })
  assert.ok(performance.now() - began >= slowMs - 10)
  for (const answer of answers()) assert.ok(answer.endsWith(`\r\n\r\n${payload(100)}`), answer)
})

test('slow ones on one connection are_worked on at once', async () => {
  const { socket, answers } = await client(await start('at once'))
  const began = performance.now()
  socket.write(slow.repeat(20))
  await waitFor(() => answers().length === 20, { what: 'all answers' })
  assert.ok(performance.now() - began < 20 * slowMs)
})

test('a head that comes in pieces is_answered once', async () => {
  const { socket, answers } = await client(await start('pieces'))
  for (const piece of [fast.slice(0, 5), fast.slice(5, -1), fast.slice(-1) + fast]) {
    socket.write(piece)
    await new Promise((resolve) => setImmediate(resolve))
  }
  await waitFor(() => answers().length === 2, { what: 'two answers' })
})
