import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Curiosity } from '../../../../src/proxy/headers/curiosity.ts'

/** How many are let go before the next that is remembered. */
function letGo(curiosity: Curiosity): number {
  let count = 0
  while (!curiosity.asks()) count++
  return count
}

test('nothing is ever recognised_the first is remembered, then fewer and fewer, but some', () => {
  const curiosity = new Curiosity(2, 10)
  const counts = Array.from({ length: 6 }, () => letGo(curiosity))
  assert.deepEqual(counts, [0, 1, 3, 7, 9, 9])
})

test('something is recognised_as many as in the beginning, behind those that were to be let go', () => {
  const curiosity = new Curiosity(2, 10)
  for (let times = 0; times < 6; times++) letGo(curiosity)
  curiosity.recognised()
  assert.deepEqual([letGo(curiosity), letGo(curiosity), letGo(curiosity)], [9, 1, 3])
})
