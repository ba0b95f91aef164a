import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { didYouMean, editDistance, nearest } from '../../../src/config/did-you-mean.ts'

const distances: [a: string, b: string, distance: number][] = [
  ['', '', 0],
  ['', 'abc', 3],
  ['abc', '', 3],
  ['port', 'port', 0],
  ['port', 'prot', 1],
  ['port', 'pot', 1],
  ['port', 'poort', 1],
  ['port', 'part', 1],
  ['kitten', 'sitting', 3],
  // No letter is touched twice: the unrestricted distance would be 2.
  ['ca', 'abc', 3],
]

for (const [a, b, distance] of distances) {
  test(`editDistance ${JSON.stringify(a)} to ${JSON.stringify(b)} is ${distance}`, () => {
    assert.equal(editDistance(a, b), distance)
  })
}

test('editDistance any_two_words is symmetric and bounded by the longer', () => {
  const word = fc.string({ maxLength: 12 })
  fc.assert(
    fc.property(word, word, (a, b) => {
      const distance = editDistance(a, b)
      assert.equal(distance, editDistance(b, a))
      assert.ok(distance >= Math.abs(a.length - b.length) && distance <= Math.max(a.length, b.length))
      assert.equal(distance === 0, a === b)
    }),
  )
})

const keys = ['listen', 'workers', 'drainTimeout', 'upstreams', 'routes', 'log']
const policies = ['round-robin', 'least-connections', 'random']

const guesses: [word: string, candidates: string[], meant: string | null][] = [
  ['upstream', keys, 'upstreams'],
  ['Listen', keys, 'listen'],
  ['wrokers', keys, 'workers'],
  ['drain_timeout', keys, 'drainTimeout'],
  ['drain', keys, 'drainTimeout'],
  ['logs', keys, 'log'],
  ['banana', keys, null],
  ['', keys, null],
  ['roundrobin', policies, 'round-robin'],
  ['round_robbin', policies, 'round-robin'],
  ['least-conn', policies, 'least-connections'],
  ['rand', policies, 'random'],
  ['ip-hash', policies, null],
  ['uri', ['url', 'weight'], 'url'],
  ['b', ['a'], null],
  ['anything', [], null],
]

for (const [word, candidates, meant] of guesses) {
  test(`nearest ${JSON.stringify(word)} among ${candidates.length} gives ${meant}`, () => {
    assert.equal(nearest(word, candidates), meant)
  })
}

test('nearest several_close gives the closest', () => {
  assert.equal(nearest('apps', ['app', 'apps2', 'maps']), 'app')
  assert.equal(nearest('backend3', ['backend1', 'backend', 'backend-3']), 'backend-3')
})

test('didYouMean nothing_close is null', () => {
  assert.equal(didYouMean('zebra', keys), null)
  assert.equal(didYouMean('routs', keys), 'did you mean "routes"?')
})
