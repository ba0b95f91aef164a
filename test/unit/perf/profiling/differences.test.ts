import assert from 'node:assert/strict'
import { test } from 'node:test'
import { differences, renderDifferences, together } from '../../../../perf/profiling/differences.ts'
import { none, olderRun, run } from './runs.ts'

const slower = run({
  commit: 'def5678',
  totalUs: 22,
  layers: { ...none, undici: 9, 'kernel: clients': 13 },
  systemCalls: { perRequest: 5, byName: { sendto: 1, write: 3, getpeername: 1 } },
  allocatedBytes: null,
})

test('a comparison_names what changed', () => {
  const found = differences(run(), slower)
  const of = (what: string) => found.find((one) => one.what === what)
  assert.deepEqual(of('undici, us'), { what: 'undici, us', before: 7, after: 9, digits: 2, comparable: true })
  assert.deepEqual(of('  getpeername'), {
    what: '  getpeername',
    before: 0,
    after: 1,
    digits: 2,
    comparable: true,
  })
  assert.equal(of('allocated bytes')!.after, null)
  assert.equal(of(together), undefined)
})

test('a comparison_is printed with signs, and dashes where nothing was measured', () => {
  const text = renderDifferences(run(), slower)
  assert.match(text, /^small: abc1234 of 2026-01-31T12:34Z \(perf\) -> def5678/)
  assert.match(text, /undici, us +\| +7\.00 \| +9\.00 \| +\+2\.00/)
  assert.match(text, /kernel: clients, us +\| +13\.00 \| +13\.00 \| +0\.00/)
  assert.match(text, /· request headers, us +\| +0\.00 \| +0\.00 \| +0\.00/)
  assert.match(text, /allocated bytes +\| +6,000 \| +- \| +-/)
  assert.doesNotMatch(text, /Another machine/)
  assert.doesNotMatch(text, /Divided/)
})

test('a comparison with another machine_says so', () => {
  const other = run({ machine: { ...run().machine, node: 'v24.0.0' } })
  assert.match(renderDifferences(other, run()), /Another machine, Node or kernel/)
})

test('a comparison with another profiler_says so', () => {
  const text = renderDifferences(run(), run({ source: 'cpu-prof' }))
  assert.match(text, /By cpu-prof and not by perf: the layers do not compare/)
})

test('a comparison over a new division of the layers_says so, and compares the sum of what was moved', () => {
  const layers = {
    ...none,
    'kernel: clients': 10.5,
    'request headers': 1,
    'endpoint connections': 2,
    'admission queue': 1.5,
    undici: 3,
    'Node, V8 and libuv': 2,
  }
  const text = renderDifferences(olderRun(), run({ layers }))
  assert.match(text, /Divided into layers otherwise \(division 1, now 2\)/)
  assert.match(text, /\| kernel: clients, us +\| +11\.00 \| +10\.50 \| +-0\.50/)
  assert.match(text, /\| undici, us +\| +2\.50 \| +3\.00 \| +\+0\.50/)
  assert.match(text, /\| exchange and headers, us +\| +4\.00 \| +3\.00 \| +- \|/)
  assert.match(text, /\| · request headers, us +\| +- \| +1\.00 \| +- \|/)
  assert.match(text, /\| admission queue, us +\| +0\.50 \| +1\.50 \| +- \|/)
  assert.match(text, new RegExp(`\\| ${together} +\\| +6\\.50 \\| +6\\.50 \\| +0\\.00 \\|`))
})
