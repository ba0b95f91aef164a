import assert from 'node:assert/strict'
import { test } from 'node:test'
import { byteStream, bytes, bytesAt, StreamCheck, sha256, streamSha256 } from '../../support/bytes.ts'

test('byteStream any_slicing gives the same bytes', () => {
  const total = 2_100_000 // twice around the block
  const whole = bytes(total)
  assert.equal(whole.length, total)
  assert.ok(Buffer.concat([...byteStream(total, 777)]).equals(whole))
  assert.ok(bytesAt(1_999_999, 5_000).equals(whole.subarray(1_999_999, 2_004_999)))
  assert.equal(streamSha256(total), sha256(whole))
})

test('bytesAt neighbouring_blocks differ', () => {
  assert.ok(!bytesAt(0, 4_096).equals(bytesAt(4_096, 4_096)))
  assert.ok(!bytesAt(0, 4_096).equals(bytesAt(1 << 20, 4_096)))
  assert.throws(() => bytesAt(0, 65_537), RangeError)
})

test('StreamCheck good_stream agrees in any pieces', () => {
  const check = new StreamCheck()
  for (const piece of byteStream(300_000, 1_234)) check.update(piece)
  check.update(bytes(500_000).subarray(300_000)) // more than one slice at once
  assert.deepEqual([check.total, check.firstDifference], [500_000, -1])
  assert.equal(check.sha256(), streamSha256(500_000))
})

test('StreamCheck lost_piece names its place', () => {
  const check = new StreamCheck()
  check.update(bytesAt(0, 1_000))
  check.update(bytesAt(1_016, 1_000))
  assert.equal(check.firstDifference, 1_000)
  assert.notEqual(check.sha256(), streamSha256(2_000))
})
