import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Curiosity } from '../../../../src/proxy/headers/curiosity.ts'

/** In the middle: the pause itself. */
const half = () => 0.5

/** How many are let go before the next that is remembered. */
function letGo(curiosity: Curiosity): number {
  let count = 0
  while (!curiosity.asks()) count++
  return count
}

test('nothing is ever recognised_the first is remembered, then fewer and fewer, but some', () => {
  const curiosity = new Curiosity(2, 10, half)
  const counts = Array.from({ length: 6 }, () => letGo(curiosity))
  assert.deepEqual(counts, [0, 1, 3, 7, 9, 9])
})

test('something is recognised_as many as in the beginning, behind those that were to be let go', () => {
  const curiosity = new Curiosity(2, 10, half)
  for (let times = 0; times < 6; times++) letGo(curiosity)
  curiosity.recognised()
  assert.deepEqual([letGo(curiosity), letGo(curiosity), letGo(curiosity)], [9, 1, 3])
})

test('pauses_are drawn, from none to twice as many, so that nobody can tell which miss ends one', () => {
  let drawn = 0
  const curiosity = new Curiosity(8, 8, () => drawn)
  assert.equal(letGo(curiosity), 0)
  for (const [draw, count] of [
    [0, 0],
    [0.5, 7],
    [0.999, 14],
  ] as const) {
    drawn = draw
    // The draw is made with the one before.
    letGo(curiosity)
    assert.equal(letGo(curiosity), count)
  }
})

test('by default_not the same pauses again and again', () => {
  const curiosity = new Curiosity(1_000, 1_000)
  letGo(curiosity)
  assert.notEqual(new Set(Array.from({ length: 20 }, () => letGo(curiosity))).size, 1)
})
