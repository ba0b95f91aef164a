import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { checkAnswer } from '../../../../perf/harness/check.ts'
import { treeCpuTime } from '../../../../perf/harness/cpu.ts'
import { fastApiCommand, fastApiMissing, fastApiVersions } from '../../../../perf/harness/fastapi.ts'
import { Processes } from '../../../../perf/harness/processes.ts'
import type { Bench, Running } from '../../../../perf/harness/running.ts'
import type { OriginShape, Scenario } from '../../../../perf/harness/scenario.ts'
import { startOrigins } from '../../../../perf/harness/subject.ts'
import { small, smallOrigin } from '../../../../perf/scenarios/routes.ts'

const folder = mkdtempSync(join(tmpdir(), 'weir-test-'))
after(() => rmSync(folder, { recursive: true, force: true }))

async function withOrigins(
  origin: OriginShape,
  endpoints: number,
  look: (origins: readonly Running[], scenario: Scenario) => Promise<void>,
): Promise<void> {
  const processes = new Processes()
  const bench: Bench = { processes, folder, cores: () => null, weir: '', allocation: false }
  const scenario: Scenario = { ...small, name: 'origins', origin, endpoints }
  try {
    await look(await startOrigins(bench, scenario), scenario)
  } finally {
    await processes.stopAll()
  }
}

/** The `Connection` header of an answer to a client that would keep the connection, and how long it took. */
function ask(url: string): Promise<{ connection: string; ms: number }> {
  const start = performance.now()
  return new Promise((resolve, reject) => {
    const sent = request(url, { agent: false, headers: { Connection: 'keep-alive' } }, (answer) => {
      answer.resume().once('end', () => {
        sent.destroy()
        resolve({ connection: answer.headers.connection ?? '', ms: performance.now() - start })
      })
    })
    sent.once('error', reject).end()
  })
}

test('the command of an endpoint carries_its_own_delay_and_what_all_do', () => {
  const shape: OriginShape = { ...smallOrigin, closes: true, fastApi: { delaysMs: [0, 200] } }
  assert.deepEqual(fastApiCommand(shape, 1).slice(2), ['--close'])
  assert.deepEqual(fastApiCommand(shape, 2).slice(2), ['--delay-ms', '200', '--close'])
  assert.deepEqual(fastApiCommand(shape, 3).slice(2), ['--close'])
})

test('the command of endpoints that work carries_how long', () => {
  const shape: OriginShape = { ...smallOrigin, fastApi: { delaysMs: [], workMs: 2 } }
  assert.deepEqual(fastApiCommand(shape, 3).slice(2), ['--work-ms', '2'])
})

const skip = fastApiMissing() ?? false

test('FastAPI origins answer_as_expected, and the slow one late', { skip }, () =>
  withOrigins({ ...smallOrigin, fastApi: { delaysMs: [0, 300] } }, 2, async (origins, scenario) => {
    for (const { url } of origins) assert.equal(await checkAnswer(url, scenario), null)
    const fast = await ask(origins[0]!.url)
    const slow = await ask(origins[1]!.url)
    assert.notEqual(fast.connection, 'close')
    assert.ok(slow.ms >= 300, `${slow.ms} ms`)
    assert.match(
      String(await checkAnswer(origins[0]!.url, { ...scenario, origin: smallOrigin })),
      /answered 25/,
    )
    assert.match(
      fastApiVersions(),
      /^FastAPI \d\S+, uvicorn \d\S+ \((h11|httptools), (asyncio|uvloop)\), Python 3/,
    )
  }),
)

for (const [name, origin, reason] of [
  ['FastAPI', { ...smallOrigin, closes: true, fastApi: { delaysMs: [] } }, skip],
  ['the cheapest origin', { ...smallOrigin, closes: true }, false],
] as const) {
  test(`${name} that is to close connections says_so`, { skip: reason }, () =>
    withOrigins(origin, 1, async ([running]) => {
      assert.equal((await ask(running!.url)).connection.toLowerCase(), 'close')
    }),
  )
}

test('a FastAPI that works takes_CPU_time for each answer', { skip }, () =>
  withOrigins({ ...smallOrigin, fastApi: { delaysMs: [], workMs: 20 } }, 1, async ([origin], scenario) => {
    assert.equal(await checkAnswer(origin!.url, scenario), null)
    const before = treeCpuTime(origin!.child.pid)
    if (before === null) return
    for (let count = 0; count < 10; count++) await ask(origin!.url)
    const after = treeCpuTime(origin!.child.pid)!
    // Ticks of 10 ms.
    assert.ok(after.userUs + after.systemUs - before.userUs - before.systemUs >= 10 * 20_000 - 20_000)
  }),
)
