import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  failedShare,
  leastDisturbed,
  legend,
  marksOf,
  mostRepeated,
  repetitions,
} from '../../../../perf/harness/doubt.ts'
import type { Turn } from '../../../../perf/harness/turn.ts'

const share = (requests: number, failed: Record<string, number>) =>
  failedShare([{ load: { requests, failed } }, { load: { requests, failed: { status: 0 } } }])

test('the share that failed is_of_all_requests, answered or not, and late answers are none of it', () => {
  assert.equal(share(100, { status: 20 }), 0.1)
  assert.equal(share(90, { read: 20 }), 0.1)
  assert.equal(share(100, { timeout: 50 }), 0)
  assert.equal(failedShare([]), 0)
})

const quiet = { median: 0.01, min: 0, max: 0.02 }

test('a row is_marked_when more than a hundredth of it failed, or others had too much of the machine', () => {
  assert.equal(marksOf({ failedShare: 0.01, foreign: quiet }), '')
  assert.equal(marksOf({ failedShare: 0.011, foreign: quiet }), '†')
  assert.equal(marksOf({ failedShare: 0, foreign: { median: 0.05, min: 0, max: 0.1 } }), '')
  assert.equal(marksOf({ failedShare: 0, foreign: { median: 0.06, min: 0, max: 0.06 } }), '‡')
  assert.equal(marksOf({ failedShare: 1, foreign: { median: 0, min: 0, max: 0.11 } }), '†‡')
  // Of a machine that does not tell, and of results from before.
  assert.equal(marksOf({ failedShare: 0, foreign: null }), '')
  assert.equal(marksOf({}), '')
})

test('the lines below say_what_marks_mean_that_are_there, and no others', () => {
  assert.deepEqual(legend([{ failedShare: 0, foreign: quiet }]), [])
  const lines = legend([{ failedShare: 0.5 }, { failedShare: 0, foreign: { ...quiet, max: 0.2 } }])
  assert.equal(lines.length, 2)
  assert.match(lines[0]!, /^† more than 1 % of its requests failed/)
  assert.match(lines[1]!, /^‡ disturbed: .* more than 5 % .* median .* more than 10 % in one/)
})

const turn = (foreign: number | null): Turn => ({
  load: {
    requests: 1,
    seconds: 1,
    requestsPerSecond: 1,
    bytesRead: 0,
    latency: { averageUs: 0, deviationUs: 0, maxUs: 0, p50Us: 0, p99Us: 0, p999Us: 0 },
    failed: {},
  },
  cpu: null,
  memory: null,
  logBytes: 0,
  foreign,
})

for (const [foreign, most, kept, repeated] of [
  [[0.1], mostRepeated, 0.1, 0],
  [[null], mostRepeated, null, 0],
  [[0.5, 0.02], mostRepeated, 0.02, 1],
  [[0.5, 0.9, 0.7], mostRepeated, 0.5, 2],
  [[0.5, 0.3, 0.4], mostRepeated, 0.3, 2],
  [[0.5], 0, 0.5, 0],
] as const) {
  test(`turns in which others have ${foreign.join(', ')}, with ${most} to be repeated, leave ${kept}`, async () => {
    const left = [...foreign]
    const said: string[] = []
    const measure = () => Promise.resolve(turn(left.shift()!))
    const result = await leastDisturbed(measure, most, (line) => void said.push(line))
    assert.equal(result.turn.foreign, kept)
    assert.equal(result.repeated, repeated)
    assert.equal(said.length, repeated)
    assert.equal(left.length, 0)
  })
}

test('that turns were measured again is_said_with_their_number', () => {
  assert.equal(repetitions([{}, { repeated: 0 }]), null)
  assert.match(repetitions([{ repeated: 1 }])!, /^One turn was measured again, /)
  assert.match(repetitions([{ repeated: 2 }, { repeated: 1 }])!, /^3 turns were measured again, .* 10 %/)
})
