import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import type { Turn } from '../../../../perf/harness/turn.ts'
import { backends, capacity } from '../../../../perf/report/capacity.ts'
import { select } from '../../../../perf/report/catalogue.ts'
import type { Experiment } from '../../../../perf/report/experiment.ts'
import { type Circumstances, renderReport } from '../../../../perf/report/markdown.ts'
import type { Outcome } from '../../../../perf/report/run.ts'
import { measured, rates, turn } from './turns.ts'

const circumstances: Circumstances = {
  date: '2026-01-31T12:34:56.789Z',
  revision: 'abc1234',
  machine: { cpu: 'A CPU', cores: 2, node: 'v22.19.0', binding: '20.51.4', kernel: 'linux 6.1' },
  versions: ['wrk 4.1.0', 'nginx 1.22.1'],
  placement: 'taskset: what is measured alone on core 1',
  schedule: { turns: 3, seconds: 10, warmupSeconds: 2 },
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

const outcomes = [
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
  }),
  outcome(select(['threads'])[0]!, {}, ['FAILED: threads/weir 4: ended with exit code 1\nstderr: much']),
]

/** What a run would write, so that a change of it is seen as one. `UPDATE_GOLDEN=1` writes it anew. */
const golden = new URL('golden.md', import.meta.url)

test('figures_become_the_report', () => {
  const text = renderReport(circumstances, outcomes)
  if (process.env.UPDATE_GOLDEN === '1') writeFileSync(golden, text)
  assert.equal(text, readFileSync(golden, 'utf8'))
})

test('a machine that others used_is_said_to_be_one', () => {
  const noisy = outcome(capacity, { weir: rates(1, 2, 3).map((one) => ({ ...one, foreign: 0.3 })) })
  assert.match(
    renderReport(circumstances, [noisy]),
    /took 30\.0 % of the machine.*\*\*Too much for the rates/,
  )
  const quiet = outcome(capacity, { weir: rates(1, 2, 3) })
  assert.doesNotMatch(renderReport(circumstances, [quiet]), /Too much/)
})
