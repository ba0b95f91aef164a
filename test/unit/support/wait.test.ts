import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Gate, waitFor, within } from '../../support/wait.ts'

test('waitFor condition_true_later gives its value', async () => {
  let looks = 0
  assert.equal(await waitFor(() => ++looks === 3 && 'found', { what: 'the third look', everyMs: 1 }), 'found')
})

test('waitFor condition_never_true fails with what was waited for', async () => {
  await assert.rejects(
    waitFor(() => false, { what: () => 'a miracle', timeoutMs: 20 }),
    /waited 20 ms for a miracle/,
  )
})

test('waitFor condition_throws fails at once with that error', async () => {
  const broken = () => {
    throw new TypeError('broken condition')
  }
  await assert.rejects(waitFor(broken, { what: 'nothing' }), TypeError)
})

test('within promise_too_late fails with what was waited for', async () => {
  await assert.rejects(within(new Promise(() => undefined), 10, 'an answer'), /waited 10 ms for an answer/)
  assert.equal(await within(Promise.resolve(7), 1_000, 'seven'), 7)
})

test('Gate closed holds and open lets everyone through', async () => {
  const gate = new Gate()
  const passed: number[] = []
  const both = Promise.all([1, 2].map((n) => gate.pass().then(() => passed.push(n))))
  await gate.reached(2)
  assert.deepEqual(passed, [])
  gate.open()
  await both
  await gate.pass()
  assert.equal(gate.arrived, 3)
})
