import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Pacer } from '../../support/pace.ts'

test('Pacer rate takes at least as long as it says', async () => {
  const start = performance.now()
  const pacer = new Pacer({ bytesPerSecond: 100_000 })
  for (let i = 0; i < 10; i++) await pacer.passed(1_000)
  // A timer may come up to a millisecond early, and 4 ms ahead are allowed.
  assert.ok(performance.now() - start >= 94, '10,000 bytes at 100,000 a second are 100 ms')
})

test('Pacer pause is made once, when its byte has passed', async () => {
  const pacer = new Pacer({ pauses: [{ atByte: 1_000, ms: 50 }] })
  const start = performance.now()
  await pacer.passed(1_000)
  const paused = performance.now() - start
  assert.ok(paused >= 49, `paused for ${paused} ms instead of 50`)
  await Promise.race([
    pacer.passed(1_000),
    new Promise((_, reject) => setImmediate(reject, new Error('paused twice'))),
  ])
})
