import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { payload } from '../../../../perf/harness/payload.ts'
import { Processes } from '../../../../perf/harness/processes.ts'
import type { Running } from '../../../../perf/harness/running.ts'
import { startOrigins } from '../../../../perf/harness/subject.ts'
import { small } from '../../../../perf/scenarios/routes.ts'
import { waitFor } from '../../../support/wait.ts'

const folder = mkdtempSync(join(tmpdir(), 'weir-test-'))
const processes = new Processes()
after(async () => {
  await processes.stopAll()
  rmSync(folder, { recursive: true })
})

async function start(slots: number, serviceMs: number): Promise<Running> {
  const bench = { processes, folder, cores: () => null, weir: '', allocation: false }
  const origin = { bytes: 100, webSocket: false, slots: { slots, serviceMs } }
  const [running] = await startOrigins(bench, { ...small, name: `slots ${slots} ${serviceMs}`, origin })
  return running!
}

test('with one slot requests are_worked_on one after the other', async () => {
  const { url } = await start(1, 50)
  const began = performance.now()
  const answers = await Promise.all(
    Array.from({ length: 5 }, () => fetch(url).then((answer) => answer.text())),
  )
  assert.deepEqual(answers, Array(5).fill(payload(100)))
  assert.ok(performance.now() - began >= 5 * 50 - 10)
})

test('with as many slots as requests all are_worked_on at once', async () => {
  const { url } = await start(20, 1_000)
  const began = performance.now()
  await Promise.all(Array.from({ length: 20 }, () => fetch(url).then((answer) => answer.text())))
  assert.ok(performance.now() - began < 20 * 1_000)
})

test('who waits can be_forgotten, and who is worked on is not', async () => {
  const { url, child } = await start(1, 5_000)
  const all = [fetch(url), fetch(url), fetch(url)]
  let settled = 0
  for (const one of all) void one.catch(() => {}).finally(() => settled++)
  await waitFor(
    () => {
      child.process.stdin!.write('forget\n')
      return settled === 3
    },
    { what: 'all three to be answered or forgotten' },
  )
  const ends = await Promise.allSettled(all)
  assert.deepEqual(ends.map(({ status }) => status).sort(), ['fulfilled', 'rejected', 'rejected'])
})
