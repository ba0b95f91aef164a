/** Memory is told apart by its ArrayBuffer: which of it waits to be used again, other tests of the process decide as well. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { copyPiece, giveBack, handOver, streamPieceBytes, taken } from '../../../../src/proxy/body/piece.ts'
import { Dice } from '../../../support/dice.ts'

function filled(length: number, byte: number): ArrayBuffer {
  const bytes = new ArrayBuffer(length)
  new Uint8Array(bytes).fill(byte)
  return bytes
}

test('copied_has the bytes, and keeps them when their memory is taken back', () => {
  for (const length of [1, 4_095, 4_096, 16_384, 16_385, 131_072, 131_073, 524_288, 600_000]) {
    const source = filled(length, 7)
    const piece = copyPiece(source)
    new Uint8Array(source).fill(0)
    assert.ok(piece.equals(Buffer.alloc(length, 7)), `${length} bytes`)
  }
})

test('a part of what came_that part', () => {
  const source = Uint8Array.from({ length: 20_000 }, (_, index) => index % 251)
  assert.ok(copyPiece(source.buffer, 5_000, 15_000).equals(source.subarray(5_000, 15_000)))
})

test('given back, and never handed over_its memory is the next one’s', () => {
  const first = copyPiece(filled(10_000, 1))
  giveBack(first)
  const second = copyPiece(filled(12_000, 2))
  assert.equal(second.buffer, first.buffer)
  assert.ok(second.equals(Buffer.alloc(12_000, 2)))
})

test('of the same length as the last one in its memory_the same view', () => {
  const first = copyPiece(filled(10_000, 1))
  giveBack(first)
  assert.equal(copyPiece(filled(10_000, 2)), first)
})

test('handed over and not taken_its memory is not used again before it is', () => {
  const first = copyPiece(filled(10_000, 1))
  handOver(first)
  handOver(first)
  giveBack(first)
  const second = copyPiece(filled(10_000, 2))
  assert.notEqual(second.buffer, first.buffer)
  taken(first)
  const third = copyPiece(filled(10_000, 3))
  assert.notEqual(third.buffer, first.buffer)
  taken(first)
  assert.equal(copyPiece(filled(10_000, 4)).buffer, first.buffer)
})

test('taken before it is given back_its memory is used again then, and not before', () => {
  const first = copyPiece(filled(10_000, 1))
  handOver(first)
  taken(first)
  assert.notEqual(copyPiece(filled(10_000, 2)).buffer, first.buffer)
  giveBack(first)
  assert.equal(copyPiece(filled(10_000, 3)).buffer, first.buffer)
})

test('taken more often than it was handed over_whose it is nobody knows: never used again', () => {
  const first = copyPiece(filled(10_000, 1))
  handOver(first)
  taken(first)
  taken(first)
  giveBack(first)
  const others = Array.from({ length: 300 }, () => copyPiece(filled(10_000, 2)))
  assert.ok(others.every(({ buffer }) => buffer !== first.buffer))
})

test('a Buffer that is no piece_nothing happens', () => {
  const small = copyPiece(filled(100, 1))
  for (const act of [handOver, taken, giveBack]) assert.doesNotThrow(() => act(small))
})

test('more given back than may wait_the rest is left to the collector', () => {
  const pieces = Array.from({ length: 300 }, () => copyPiece(filled(streamPieceBytes, 1)))
  for (const piece of pieces) giveBack(piece)
  const known = new Set(pieces.map(({ buffer }) => buffer))
  const next = Array.from({ length: 300 }, () => copyPiece(filled(streamPieceBytes, 2)))
  assert.equal(next.filter(({ buffer }) => known.has(buffer)).length, 128)
})

test('whatever order things happen in_no two pieces that somebody may look at share memory', (t) => {
  interface Live {
    readonly piece: Buffer
    readonly byte: number
    missing: number
    owned: boolean
  }
  const dice = new Dice(t)
  const live: Live[] = []
  for (let step = 0; step < 20_000; step++) {
    const one = live[dice.below(live.length + 1)]
    if (one === undefined) {
      const byte = dice.below(256)
      const length = 4_096 + dice.below(30_000)
      live.push({ piece: copyPiece(filled(length, byte)), byte, missing: 0, owned: true })
      continue
    }
    assert.equal(one.piece[0], one.byte)
    assert.equal(one.piece.at(-1), one.byte)
    const what = dice.below(3)
    if (what === 0 && one.owned) {
      handOver(one.piece)
      one.missing++
    } else if (what === 1 && one.missing > 0) {
      taken(one.piece)
      one.missing--
    } else if (what === 2 && one.owned) {
      giveBack(one.piece)
      one.owned = false
    }
    if (!one.owned && one.missing === 0) live.splice(live.indexOf(one), 1)
  }
  assert.ok(live.length > 0)
})
