import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { test } from 'node:test'
import type { Turn } from '../../../../perf/harness/turn.ts'
import { backends, capacity, slowBackends } from '../../../../perf/report/capacity.ts'
import { select } from '../../../../perf/report/catalogue.ts'
import type { Experiment } from '../../../../perf/report/experiment.ts'
import { renderReport } from '../../../../perf/report/markdown.ts'
import {
  type Circumstances,
  type ReportResults,
  resultsOf,
  writeReportResults,
} from '../../../../perf/report/results.ts'
import type { Outcome } from '../../../../perf/report/run.ts'
import { measured, rates, turn } from './turns.ts'

const circumstances: Circumstances = {
  date: '2026-01-31T12:34:56.789Z',
  revision: 'abc1234',
  machine: { cpu: 'A CPU', cores: 2, node: 'v22.19.0', binding: '20.51.4', kernel: 'linux 6.1' },
  versions: ['wrk 4.1.0', 'nginx 1.22.1'],
  placement: 'taskset: what is measured alone on core 1',
  schedule: { turns: 3, seconds: 10, warmupSeconds: 2 },
  seed: 7,
  command: 'npm run report',
}

function outcome(
  experiment: Experiment,
  turns: Readonly<Record<string, readonly Turn[]>>,
  failed: readonly string[] = [],
): Outcome {
  const there = experiment.variants.filter(({ name }) => turns[name] !== undefined)
  const others = experiment.variants.filter((variant) => !there.includes(variant)).map(({ name }) => name)
  return {
    experiment,
    measured: new Map(there.map((variant) => [variant.name, measured(variant, turns[variant.name]!)])),
    skipped: [`skipped: ${experiment.name} (${others.join(', ')}), not installed`],
    failed,
  }
}

const outcomes: readonly Outcome[] = [
  outcome(capacity, {
    weir: rates(150_000, 160_000, 155_000),
    go: rates(40_000, 41_000, 42_000).map((one, index) => ({
      ...one,
      load: { ...one.load, failed: { ...one.load.failed, write: 100 + index } },
    })),
  }),
  outcome(backends, {
    alone: rates(900, 910, 890),
    'weir 1': rates(905, 900, 910),
    'go 1': rates(500, 510, 490),
    'go 3': [360, 350, 370].map((rate) => turn({ rate, cpuUs: 100, failed: { timeout: 3 } })),
    'go-tuned 1': rates(510, 520, 500),
    'go-kept 1': rates(890, 880, 900),
  }),
  outcome(slowBackends, {
    alone: rates(870, 880, 890),
    'weir 1': rates(900, 910, 905),
    'weir 3': rates(1_700, 1_600, 1_650),
    'go 1': rates(850, 860, 840),
    'go 3': rates(1_500, 1_600, 1_550),
    'go-kept 1': rates(880, 890, 870),
  }),
  outcome(select(['threads'])[0]!, {}, ['FAILED: threads/weir 4: ended with exit code 1\nstderr: much']),
]

const file = 'results/2026-01-31T123456Z-abc1234-report.json'
const render = (these: readonly Outcome[], differs: Partial<Circumstances> = {}) =>
  renderReport(resultsOf({ ...circumstances, ...differs }, these), file)

/** What a run would write, so that a change of it is seen as one. `UPDATE_GOLDEN=1` writes it anew. */
const golden = new URL('golden.md', import.meta.url)

test('figures_become_the_report', () => {
  const text = render(outcomes)
  if (process.env.UPDATE_GOLDEN === '1') writeFileSync(golden, text)
  assert.equal(text, readFileSync(golden, 'utf8'))
})

test('a machine that others used_is_said_to_be_one', () => {
  const noisy = outcome(capacity, { weir: rates(1, 2, 3).map((one) => ({ ...one, foreign: 0.3 })) })
  assert.match(render([noisy]), /took 30\.0 % of the machine.*\*\*Too much for the rates/)
  const quiet = outcome(capacity, { weir: rates(1, 2, 3) })
  assert.doesNotMatch(render([quiet]), /Too much/)
})

test('turns that were measured again_are_told, with the variants', () => {
  const [variant] = capacity.variants
  const one = measured(variant!, rates(1, 2, 3))
  const these = (repeated: number) => [
    { ...outcome(capacity, {}), measured: new Map([[variant!.name, { ...one, repeated }]]) },
  ]
  assert.match(render(these(2)), /^- 2 turns were measured again, .* How often: `x\/weir` 2\.$/m)
  assert.doesNotMatch(render(these(0)), /measured again/)
})

test('no warm-up is_said_to_be_none, and one that was asked for has its limit', () => {
  const text = (warmupSeconds: number) =>
    render(outcomes, { schedule: { ...circumstances.schedule, warmupSeconds } })
  assert.match(text(0), /for each variant, without warm-up\. The variants/)
  assert.match(text(5), /a warm-up of at least 5 s, .* within 3 %, or for 15 s\. The variants/)
})

test('the report is_drawn_from_its_results_file_and_nothing_else, which has the verdicts too', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'weir-test-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const results = resultsOf(circumstances, outcomes)
  const path = writeReportResults(folder, results)
  assert.equal(basename(path), '2026-01-31T123456Z-abc1234-report.json')
  const read = JSON.parse(readFileSync(path, 'utf8')) as ReportResults
  assert.deepEqual(read, results)
  assert.equal(renderReport(read, file), render(outcomes))
  assert.deepEqual(
    [read.kind, read.seed, read.outcomes.map(({ measured }) => measured.length)],
    ['report', 7, [2, 6, 6, 0]],
  )
  const [first] = read.outcomes
  assert.deepEqual(first!.verdicts[0], {
    says: 'The rate of `weir` beside that of `go`',
    answer: 'Higher',
    because: '`weir` had 3.75 (3.69..3.90) times the rate of `go`, higher in every turn.',
  })
})
