import assert from 'node:assert/strict'
import { test } from 'node:test'
import { heldBack } from '../../../../perf/harness/held-back.ts'

const thousand = Array.from({ length: 1_000 }, (_, index) => 1_000 - index)

test('percentiles are_of the requests that are not slow themselves', () => {
  assert.deepEqual(heldBack(thousand, [30_000, 20_000, 25_000], 10), {
    slow: 3,
    slowP50Us: 25_000,
    fast: 1_000,
    p50Us: 500,
    p90Us: 900,
    p99Us: 990,
    p999Us: 999,
    maxUs: 1_000,
    held: 0,
  })
})

test('held back is_who takes longer than that, and not who takes as long', () => {
  assert.equal(heldBack([9_999, 10_000, 10_001, 20_000], [30_000], 10).held, 2)
})

test('where there are none there is_no latency', () => {
  const { slow, slowP50Us, fast, p50Us, maxUs, held } = heldBack([], [], 10)
  assert.deepEqual([slow, slowP50Us, fast, p50Us, maxUs, held], [0, null, 0, null, null, 0])
})
