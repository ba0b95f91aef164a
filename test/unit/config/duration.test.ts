import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { formatDuration, parseDuration } from '../../../src/config/duration.ts'

const durations: [text: string, ms: number | null][] = [
  ['0s', 0],
  ['0ms', 0],
  ['1ms', 1],
  ['250ms', 250],
  ['1.5s', 1500],
  ['1.005s', 1005],
  ['1m', 60_000],
  ['0.5h', 1_800_000],
  ['24h', 86_400_000],
  ['007s', 7000],
  ['0.5ms', null],
  ['1.0005s', null],
  ['5', null],
  ['', null],
  ['s', null],
  ['.5s', null],
  ['5.s', null],
  ['5 s', null],
  [' 5s', null],
  ['5s\n', null],
  ['-5s', null],
  ['+5s', null],
  ['5S', null],
  ['5sec', null],
  ['1h30m', null],
  ['1e3s', null],
  ['1,5s', null],
  ['Infinitys', null],
  ['1d', null],
]

for (const [text, ms] of durations) {
  test(`duration ${JSON.stringify(text)} ${ms === null ? 'is refused' : `is ${ms} ms`}`, () => {
    assert.equal(parseDuration(text), ms)
  })
}

test('duration any_whole_milliseconds survives formatting', () => {
  fc.assert(fc.property(fc.nat(86_400_000), (ms) => parseDuration(formatDuration(ms)) === ms))
})

test('duration formatted uses the largest unit that fits', () => {
  assert.deepEqual([0, 1, 1500, 2000, 60_000, 90_000, 86_400_000].map(formatDuration), [
    '0s',
    '1ms',
    '1500ms',
    '2s',
    '1m',
    '90s',
    '24h',
  ])
})
