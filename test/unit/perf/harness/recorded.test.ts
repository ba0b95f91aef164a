import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { labels, merge, type Recorded, readResults } from '../../../../perf/harness/recorded.ts'
import { type Results, writeResults } from '../../../../perf/harness/results.ts'
import type { Measured } from '../../../../perf/harness/run.ts'
import { summarise } from '../../../../perf/harness/summary.ts'
import type { Turn } from '../../../../perf/harness/turn.ts'
import { small } from '../../../../perf/scenarios/routes.ts'

const folder = mkdtempSync(join(tmpdir(), 'weir-test-'))
after(() => rmSync(folder, { recursive: true }))

function turn(cpuUs: number): Turn {
  return {
    load: {
      requests: 1_000,
      seconds: 1,
      requestsPerSecond: 1_000,
      bytesRead: 0,
      latency: { averageUs: 1, deviationUs: 1, maxUs: 3, p50Us: 1, p99Us: 2, p999Us: 3 },
      failed: { read: 20 },
    },
    cpu: { userUs: cpuUs / 2, systemUs: cpuUs / 2 },
    memory: null,
    logBytes: 0,
    foreign: 0.2,
  }
}

function row(scenario: string, subject: string, cpuUs: number): Measured {
  return {
    row: {
      name: subject === 'weir' ? scenario : `${scenario}@${subject}`,
      baseline: `${scenario}@nginx`,
      subject,
      scenario: { ...small, name: scenario },
    },
    turns: [turn(cpuUs)],
    rates: [],
    passes: { systemCalls: null, allocatedBytes: null },
  }
}

function run(measured: readonly Measured[], changes: Partial<Results> = {}): Results {
  return {
    version: 2,
    date: '2026-01-31T12:34:56.789Z',
    revision: 'abc1234',
    harness: 'abc1234',
    peers: { nginx: '1.22.1' },
    machine: { cpu: 'a CPU', cores: 2, node: 'v22.19.0', binding: '20.51.4', kernel: 'linux 6.1' },
    generator: 'wrk',
    placement: 'none',
    schedule: { turns: 1, seconds: 1, warmupSeconds: 0 },
    summaries: summarise(measured),
    measured,
    ...changes,
  }
}

const pair = (scenario: string, cpuUs: number) => [row(scenario, 'weir', cpuUs), row(scenario, 'nginx', 10)]

test('a stopped run is_read, and what older files do not have of a row is_worked_out', () => {
  const older = pair('small', 20)
  // Neither mark was kept at first.
  const summaries = summarise(older).map(({ failedShare: _, foreign: __, ...rest }) => rest)
  const file = writeResults(folder, run(older, { summaries, unfinished: true }))
  const read = readResults(file)
  assert.equal(read.unfinished, true)
  assert.deepEqual(read.summaries, summarise(older))
  assert.ok(read.summaries[0]!.failedShare! > 0)
})

for (const [what, content, refused] of [
  ['what is no JSON', '{', /: Expected|: Unexpected|JSON/],
  [
    'an overload',
    '{"kind":"overload","version":1}',
    /expected the results of npm run bench, .* found overload$/,
  ],
  ['another version', '{"version":1}', /found version 1$/],
  ['another file', '{}', /found something else$/],
  ['a run of nothing', '{"version":2,"measured":[]}', /nothing was measured/],
  ['a run without rows', '{"version":2}', /nothing was measured/],
] as const) {
  test(`${what} is_refused, with the file's name`, () => {
    const file = join(folder, 'refused.json')
    writeFileSync(file, content)
    assert.throws(
      () => readResults(file),
      ({ message }: Error) => message.startsWith(`${file}: `) && refused.test(message),
    )
  })
}

test('a file that is not there is_refused', () => {
  assert.throws(() => readResults(join(folder, 'none.json')), /none\.json: ENOENT/)
})

const recorded = (file: string, results: Results): Recorded => ({ file, results })
const shown = (runs: readonly Recorded[]) =>
  runs.map(({ file, results }) => [
    file,
    results.summaries.map(({ name, cpu }) => `${name} ${cpu!.totalUs.median}`),
    results.measured.map((one) => one.row.name),
  ])

test('of a scenario that several runs have the_last_one_counts, with all of its rows', () => {
  const first = recorded('first', run([...pair('small', 20), ...pair('tls', 30)]))
  // What ran beside Weir then is not to be seen beside what Weir took before.
  const later = recorded('later', run([row('small', 'nginx', 9)]))
  assert.deepEqual(shown(merge([first, later])), [
    ['first', ['tls 30', 'tls@nginx 10'], ['tls', 'tls@nginx']],
    ['later', ['small@nginx 9'], ['small@nginx']],
  ])
  assert.deepEqual(shown(merge([later, first])), shown([first]))
})

test('a ratio is_still_that of the run that measured it', () => {
  const [first] = merge([recorded('first', run(pair('small', 25))), recorded('later', run(pair('tls', 1)))])
  assert.equal(first!.results.summaries[0]!.cpu!.ratio.median, 2.5)
})

test('runs are_called_by_day_and_revision, and numbered where that is not enough', () => {
  const of = (date: string, revision: string) => recorded('', run([], { date, revision }))
  assert.deepEqual(
    labels([
      of('2026-01-31T12:00:00.000Z', 'abc1234'),
      of('2026-01-31T13:00:00.000Z', 'def5678'),
      of('2026-01-31T14:00:00.000Z', 'abc1234'),
    ]),
    ['2026-01-31 abc1234 (1)', '2026-01-31 def5678', '2026-01-31 abc1234 (2)'],
  )
})
