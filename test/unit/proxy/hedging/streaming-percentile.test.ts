import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { StreamingPercentile, windowMs } from '../../../../src/proxy/hedging/streaming-percentile.ts'

/** Edges are 4.4 % apart, and a value is the upper one of its bucket. */
const tolerance = 2 ** (1 / 16)

/** The smallest sample that `share` of them do not exceed. */
function exactly(samples: readonly number[], share: number): number {
  const sorted = [...samples].sort((a, b) => a - b)
  // As many as reach the share, counted as the subject counts them.
  const index = sorted.findIndex((_, below) => below + 1 >= share * sorted.length)
  return sorted[index] as number
}

function assertNear(value: number, exact: number): void {
  const floor = Math.max(exact, 1 / 16)
  assert.ok(value >= floor * 0.999 && value <= floor * tolerance * 1.001, `${value} for ${exact}`)
}

test('any samples_the percentile is that of the sorted samples, after each of them', () => {
  const latency = fc.oneof(
    fc.double({ min: 0, max: 50, noNaN: true }),
    fc.double({ min: 0, max: 100_000, noNaN: true }),
    fc.constantFrom(0, 1 / 16, 1, 2, 4, 8),
  )
  const share = fc.constantFrom(0.5, 0.75, 0.9, 0.95, 0.99, 0.999)
  fc.assert(
    fc.property(fc.array(latency, { minLength: 1, maxLength: 300, size: 'max' }), share, (samples, share) => {
      const subject = new StreamingPercentile(share)
      const needed = Math.max(20, Math.round(5 / (1 - share)))
      for (const [index, ms] of samples.entries()) {
        subject.add(ms, 0)
        if (index + 1 < needed) assert.equal(subject.valueMs, Number.NaN)
        else assertNear(subject.valueMs, exactly(samples.slice(0, index + 1), share))
      }
      for (const other of [0.5, 0.9]) {
        subject.share = other
        if (samples.length >= 50) assertNear(subject.valueMs, exactly(samples, other))
      }
    }),
    { numRuns: 300 },
  )
})

test('enough is known_when five samples would lie above, twenty at least', () => {
  for (const [share, needed] of [
    [0.5, 20],
    [0.95, 100],
    [0.99, 500],
  ] as const) {
    const subject = new StreamingPercentile(share)
    for (let count = 1; count < needed; count++) subject.add(1, 0)
    assert.equal(subject.valueMs, Number.NaN, `${share}`)
    subject.add(1, 0)
    assert.equal(subject.valueMs, 1)
  }
})

test('latency above the last bucket_the last one, and not lost', () => {
  const subject = new StreamingPercentile(0.5)
  for (let count = 0; count < 20; count++) subject.add(1e9, 0)
  assert.equal(subject.valueMs, 131_072)
})

test('what was two windows ago_is forgotten', () => {
  const subject = new StreamingPercentile(0.5)
  const fill = (ms: number, now: number) => {
    for (let count = 0; count < 30; count++) subject.add(ms, now)
  }
  fill(100, 0)
  fill(1, windowMs)
  assert.ok(subject.valueMs > 0.9, 'the window before counts as much')
  fill(1, 2 * windowMs)
  assert.equal(subject.valueMs, 1)
})

test('window without samples enough_goes on, and what is known stays known', () => {
  const subject = new StreamingPercentile(0.5)
  for (let count = 0; count < 20; count++) subject.add(100, 0)
  for (let count = 0; count < 19; count++) {
    subject.add(1, (count + 1) * windowMs)
    assert.ok(subject.valueMs >= 1, 'known')
  }
  assert.ok(subject.valueMs > 50, 'twenty of 39 are old')
  for (let count = 20; count < 60; count++) subject.add(1, count * windowMs)
  assert.equal(subject.valueMs, 1)
})
