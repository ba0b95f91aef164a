import assert from 'node:assert/strict'
import { test } from 'node:test'
import { warmUp } from '../../../../perf/harness/warm-up.ts'

/** What each piece takes, one after the other; the last one goes on. @returns how long each was asked to be, too */
async function warmed(least: number, cpuUs: readonly (number | null)[], longer = 1) {
  const asked: number[] = []
  const result = await warmUp(least, async (seconds) => {
    asked.push(seconds)
    return { seconds: seconds * longer, cpuUs: cpuUs[Math.min(asked.length, cpuUs.length) - 1]! }
  })
  return { ...result, asked }
}

test('what stays the same is_warm after the least', async () => {
  assert.deepEqual(await warmed(5, [30, 20, 20.5]), { seconds: 5, settled: true, asked: [3, 1, 1] })
  assert.deepEqual(await warmed(2, [20]), { seconds: 2, settled: true, asked: [1, 1] })
})

test('what still falls goes_on until it has stopped', async () => {
  assert.deepEqual(await warmed(3, [60, 50, 40, 30, 25, 24.5]), {
    seconds: 6,
    settled: true,
    asked: [1, 1, 1, 1, 1, 1],
  })
})

test('what never stops has_three times as long, and is known', async () => {
  const pieces = Array.from({ length: 40 }, (_, index) => 1000 * 0.9 ** index)
  assert.deepEqual(await warmed(4, pieces), { seconds: 12, settled: false, asked: [2, ...Array(10).fill(1)] })
  // One second cannot be compared with anything.
  assert.deepEqual((await warmed(1, pieces)).seconds, 3)
  // A rise is no end either.
  assert.equal((await warmed(2, [20, 22, 20, 22, 20, 22, 20])).settled, false)
})

test('where CPU times are not known it has_the least', async () => {
  assert.deepEqual(await warmed(4, [null]), { seconds: 4, settled: null, asked: [2, 1, 1] })
})

test('what takes longer than it is asked to counts_for as long as it took', async () => {
  assert.deepEqual(await warmed(4, [40, 30, 20], 10), { seconds: 20, settled: null, asked: [2] })
})
