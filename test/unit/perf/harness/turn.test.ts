import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { processTree } from '../../../../perf/harness/cpu.ts'
import { keptLoadMissing } from '../../../../perf/harness/kept-load.ts'
import {
  failedRequests,
  findGenerator,
  type GeneratorName,
  generatorNames,
} from '../../../../perf/harness/load.ts'
import { shuffled } from '../../../../perf/harness/order.ts'
import { type Child, Processes, type StartOptions, which } from '../../../../perf/harness/processes.ts'
import { randomFrom } from '../../../../perf/harness/random.ts'
import type { Row } from '../../../../perf/harness/row.ts'
import { runRows } from '../../../../perf/harness/run.ts'
import type { Run } from '../../../../perf/harness/run-settings.ts'
import type { Scenario } from '../../../../perf/harness/scenario.ts'
import { turnSeconds } from '../../../../perf/harness/turn.ts'
import { findPeer } from '../../../../perf/peers/peers.ts'
import { small, smallLoad } from '../../../../perf/scenarios/routes.ts'

const folder = mkdtempSync(join(tmpdir(), 'weir-test-'))
after(() => rmSync(folder, { recursive: true }))

const scenario: Scenario = {
  ...small,
  name: 'tiny',
  origin: { bytes: 17, webSocket: false },
  load: { ...smallLoad, connections: 2 },
}
const alone: Row = { name: 'tiny', baseline: 'tiny', subject: 'origin', scenario }

/** Which processes are started, by the names that they are given. */
class Recording extends Processes {
  readonly names: string[] = []

  override start(name: string, command: readonly string[], options: StartOptions): Promise<Child> {
    this.names.push(name)
    return super.start(name, command, options)
  }
}

const linux = process.platform === 'linux'

function run(processes: Processes, generator: GeneratorName): Run {
  return {
    bench: { processes, folder, cores: () => null, weir: join(folder, 'missing.ts'), allocation: false },
    generator: findGenerator(generator),
    schedule: { turns: 1, seconds: 1, warmupSeconds: 0 },
    wanted: { h2load: null, strace: null, allocation: false },
    say: () => {},
  }
}

for (const name of generatorNames) {
  const skip = name === 'wrk' && which('wrk') === null ? 'wrk is not installed' : false
  test(`one second of ${name} against an origin gives_figures_and_leaves_nothing_running`, {
    skip,
  }, async () => {
    const processes = new Processes()
    try {
      const [measured] = await runRows(run(processes, name), [alone])
      const turn = measured!.turns[0]!
      assert.ok(turn.load.requests > 0)
      assert.equal(failedRequests(turn.load), 0)
      // 17 bytes of body and a head in front of it.
      assert.ok(turn.load.bytesRead > turn.load.requests * 17 * 0.9)
      if (!linux) return
      assert.ok(turn.cpu!.userUs + turn.cpu!.systemUs > 0)
      assert.ok(turn.memory!.residentBytes > 1e6 && turn.memory!.peakBytes >= turn.memory!.residentBytes)
    } finally {
      await processes.stopAll()
    }
    if (linux) assert.equal(processTree(process.pid).filter((stat) => stat.parent === process.pid).length, 0)
  })
}

test('turns of two tenths of a second against an origin have_connections_that_are_kept, and leave_nothing_running', {
  skip: keptLoadMissing() ?? false,
}, async () => {
  const processes = new Recording()
  const short: Run = {
    ...run(processes, 'autocannon'),
    schedule: { turns: 3, seconds: 0.2, warmupSeconds: 1 },
  }
  try {
    const [measured] = await runRows(short, [alone])
    assert.equal(measured!.turns.length, 3)
    assert.equal(processes.names.filter((name) => name === 'kept-load').length, 1)
    for (const { load, cpu } of measured!.turns) {
      assert.ok(load.seconds >= 0.2)
      assert.equal(failedRequests(load), 0)
      assert.ok(load.requests > 0 && load.bytesRead > load.requests * 17)
      if (linux) assert.ok(cpu!.userUs + cpu!.systemUs > 0)
    }
  } finally {
    if (linux) assert.equal(processTree(process.pid).filter((stat) => stat.parent === process.pid).length, 0)
    await processes.stopAll()
  }
})

test('Weir that does not start is_reported_with_its_last_words', async () => {
  const processes = new Processes()
  try {
    await assert.rejects(
      runRows(run(processes, 'autocannon'), [{ ...alone, subject: 'weir' }]),
      /tiny ended with exit code 1: .*\nstderr: [\s\S]*missing\.ts/,
    )
  } finally {
    await processes.stopAll()
  }
})

test('a row that fails is_left_out, and what it is divided by takes it along', async () => {
  const processes = new Processes()
  const said: string[] = []
  const failed: string[] = []
  const two = {
    ...run(processes, 'autocannon'),
    say: (line: string) => void said.push(line),
    failed: (row: Row, line: string) => void failed.push(`${row.name}: ${line}`),
  }
  const broken: Row = { ...alone, name: 'broken', subject: 'weir' }
  try {
    const measured = await runRows(two, [broken, alone])
    assert.deepEqual(
      measured.map((one) => one.row.name),
      ['tiny'],
    )
    assert.ok(
      said.some((line) => line.startsWith('FAILED: broken: ')),
      said.join('\n'),
    )
    assert.deepEqual(
      failed,
      said.filter((line) => line.startsWith('FAILED: ')).map((line) => `broken: ${line}`),
    )
    const together = [
      { ...broken, baseline: 'broken', group: 'g' },
      { ...alone, group: 'g' },
    ]
    assert.deepEqual(
      (await runRows(two, together)).map((one) => one.row.name),
      ['tiny'],
    )
    const onBroken: Row = { ...alone, name: 'tiny', baseline: 'broken' }
    await assert.rejects(runRows(two, [{ ...broken, baseline: 'broken' }, onBroken]), /missing\.ts/)
  } finally {
    await processes.stopAll()
  }
})

const apart = ['nginx', 'go', 'go-tuned']
const missing = apart.map((name) => findPeer(name).missing()).find((why) => why !== null)

test('peers that keep no connections have_origins_of_their_own', {
  skip: missing ?? false,
  timeout: 240_000,
}, async () => {
  const processes = new Recording()
  try {
    const rows = apart.map((subject) => ({ ...alone, name: `tiny@${subject}`, baseline: 'tiny', subject }))
    assert.equal((await runRows(run(processes, 'autocannon'), rows)).length, rows.length)
    assert.deepEqual(
      processes.names.filter((name) => name.includes('origin')),
      ['tiny origin 1', 'tiny@go origin 1', 'tiny@go-tuned origin 1'],
    )
  } finally {
    await processes.stopAll()
  }
})

test('a turn lasts_two_seconds_for_each_thousand_connections, or as long as was asked for', () => {
  const lasts = (connections: number, seconds: number) =>
    turnSeconds({ load: { connections }, origin: {} }, seconds)
  assert.deepEqual(
    [lasts(64, 1), lasts(500, 1), lasts(2_000, 2), lasts(2_001, 2), lasts(10_000, 2), lasts(2_000, 9)],
    [1, 1, 4, 5, 20, 9],
  )
  const working = { load: { connections: 500 }, origin: { fastApi: { delaysMs: [], workMs: 1 } } }
  assert.deepEqual([turnSeconds(working, 1), turnSeconds(working, 10)], [2, 10])
})

test('rows have their turns_in_the_order_that_the_seed_gives, and are told of in their own', async () => {
  const processes = new Processes()
  const said: string[] = []
  const rows: readonly Row[] = ['a', 'b', 'c'].map((name) => ({ ...alone, name, baseline: 'x' }))
  // Whose orders differ from that of the rows, and from each other.
  const seed = 2
  const random = randomFrom(seed)
  const expected = [1, 2].flatMap(() => shuffled(rows, random).map(({ name }) => name))
  assert.notDeepEqual(expected.slice(0, 3), expected.slice(3))
  assert.notDeepEqual(expected.slice(0, 3), ['a', 'b', 'c'])
  try {
    const two = { ...run(processes, 'autocannon'), seed, say: (line: string) => void said.push(line) }
    const measured = await runRows({ ...two, schedule: { ...two.schedule, turns: 2 } }, rows)
    const turns = said.flatMap((line) => /^turn \d of 2 {2}(\w+)/.exec(line)?.[1] ?? [])
    assert.deepEqual(turns, expected)
    assert.deepEqual(
      measured.map(({ row }) => row.name),
      ['a', 'b', 'c'],
    )
  } finally {
    await processes.stopAll()
  }
})
