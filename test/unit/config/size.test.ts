import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { formatSize, parseSize } from '../../../src/config/size.ts'

const sizes: [text: string, bytes: number | null][] = [
  ['0B', 0],
  ['512B', 512],
  ['64KiB', 65_536],
  ['1MiB', 1_048_576],
  ['2GiB', 2_147_483_648],
  ['64', null],
  ['', null],
  ['KiB', null],
  ['64KB', null],
  ['64kB', null],
  ['64kib', null],
  ['1.5MiB', null],
  ['-1B', null],
  ['64 KiB', null],
  ['9007199254740991B', 9_007_199_254_740_991],
  ['9007199254740993B', null],
  ['99999999999GiB', null],
]

for (const [text, bytes] of sizes) {
  test(`size ${JSON.stringify(text)} ${bytes === null ? 'is refused' : `is ${bytes} bytes`}`, () => {
    assert.equal(parseSize(text), bytes)
  })
}

test('size any_whole_bytes survives formatting', () => {
  fc.assert(fc.property(fc.maxSafeNat(), (bytes) => parseSize(formatSize(bytes)) === bytes))
})

test('size formatted uses the largest unit that fits', () => {
  assert.deepEqual([0, 1, 1000, 1024, 1_048_576, 3_145_728].map(formatSize), [
    '0B',
    '1B',
    '1000B',
    '1KiB',
    '1MiB',
    '3MiB',
  ])
})
