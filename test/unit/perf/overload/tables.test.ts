import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { chartsMissing, render } from '../../../../perf/harness/charts.ts'
import { withText } from '../../../../perf/harness/document.ts'
import { overloadChart } from '../../../../perf/overload/chart.ts'
import { markers, renderRecord } from '../../../../perf/overload/record.ts'
import { pointsOf } from '../../../../perf/overload/summary.ts'
import { renderSetup } from '../../../../perf/overload/tables.ts'
import { results, setup, variant } from './figures.ts'

const weir = variant('weir controlled', 5, [
  [0.5, 500, 12],
  [4, 990, 40],
])
const nginx = variant(
  'nginx',
  null,
  [
    [0.5, 500, 12],
    [4, 100, 1_999],
  ],
  { timeouts: 300, errors: { ECONNRESET: 20 } },
)
const slots = setup('slots', [weir, nginx])

test('a point is_all_turns_of_a_variant_at_one_load', () => {
  const point = pointsOf(slots).find(({ variant, load }) => variant === 'nginx' && load === 4)!
  assert.deepEqual(point, {
    setup: 'slots',
    variant: 'nginx',
    load: 4,
    offeredPerSecond: 4_000,
    goodPerSecond: { median: 100, min: 100, max: 100 },
    p50Ms: { median: 999.5, min: 999.5, max: 999.5 },
    p99Ms: { median: 1_999, min: 1_999, max: 1_999 },
    shedShare: 3_580 / 4_000,
    timeoutShare: 300 / 4_000,
    failed: 40,
    errors: { ECONNRESET: 40 },
    cpuUs: { median: 20.5, min: 20, max: 21 },
    lateMs: 0.9,
  })
})

test('the table has_a_row_for_each_variant_at_each_load, and names errors', () => {
  const text = renderSetup(slots)
  assert.match(text, /^slots: an origin; capacity 1,000 req\/s\n/)
  assert.match(text, /\| `weir controlled` +\| +4 \| +4,000 \| +990 \| +99 % \| +20\.0 \| +40\.0 \|/)
  assert.match(text, /failed, nginx at 4: ECONNRESET 40$/)
})

test('what the README gets has_goodput_and_p99, and what must hold', () => {
  const text = renderRecord(results([slots]), 'results/a-overload.json', 'nobody')
  assert.match(text, /\| slots \| `weir controlled` \| 50 %, 12\.0 ms \| +99 %, 40\.0 ms \|/)
  assert.match(text, /\| slots \| `nginx` +\| .* \| +10 %, 1,999 ms \|/)
  assert.match(text, /\[a-overload\.json\]\(results\/a-overload\.json\)/)
})

test('perf/README.md has_the_place_for_it', () => {
  const readme = readFileSync(new URL('../../../../perf/README.md', import.meta.url), 'utf8')
  assert.ok(withText(readme, markers, 'here').includes('\n\nhere\n\n'))
})

test('the chart can_be_drawn', { skip: chartsMissing() ?? false }, () => {
  const silent = {
    ...weir,
    name: 'direct',
    steps: weir.steps.map((step) => ({ ...step, figures: { ...step.figures, p99Us: null } })),
  }
  const svg = render(overloadChart(results([slots, setup('fastapi-1', [weir, silent])])))
  assert.match(svg, /^<svg /)
  for (const name of ['slots: capacity 1,000/s', 'weir controlled', 'nginx'])
    assert.ok(svg.includes(name), name)
})
