import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Curiosity } from '../../../../src/proxy/headers/curiosity.ts'
import { KnownHeads } from '../../../../src/proxy/headers/known-heads.ts'

/** Remembers everything. */
const curious = new Curiosity(1, 1)

const read = { status: 404, name: 'X-A', rest: 'b\r\nX-C: \xe9', contentLength: 2, keepAlive: 'timeout=5' }
const head =
  'HTTP/1.1 404 Never Mind\r\nX-A: b\r\nX-C: \xe9\r\nContent-Length: 2\r\nKeep-Alive: timeout=5\r\n\r\n'

function bytesOf(text: string): Buffer {
  return Buffer.from(text, 'latin1')
}

/** Knows this one, wherever it lay. */
function knowing(text: string, before = ''): KnownHeads {
  const known = new KnownHeads(curious)
  const end = before.length + text.indexOf('\r\n\r\n') + 4
  known.learn(bytesOf(before + text), before.length, end, read)
  return known
}

test('a head that came before_what was read in it, and what is to be written of it', () => {
  const found = knowing(`${head}ok`).find(bytesOf(`${head}no`), 0)
  assert.ok(found)
  const { status, name, rest, contentLength, keepAlive } = found
  assert.deepEqual({ status, name, rest, contentLength, keepAlive }, read)
  assert.equal(found.bytes, head.length)
  assert.equal(Buffer.from(found.written).latin1Slice(), '404 Not Found\r\nX-A: b\r\nX-C: \xe9')
})

test('no field is passed on_the status alone is written', () => {
  const known = new KnownHeads(curious)
  const bytes = bytesOf('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')
  known.learn(bytes, 0, bytes.length, { ...read, status: 200, name: '', rest: '', contentLength: 0 })
  const found = known.find(bytes, 0)
  assert.ok(found)
  assert.equal(Buffer.from(found.written).latin1Slice(), '200 OK')
})

test('behind something else, and in memory that is not read at eight bytes_found all the same', () => {
  for (let before = 0; before < 8; before++) {
    const known = knowing(`${head}ok`, '.'.repeat(before))
    for (let shift = 0; shift < 8; shift++) {
      assert.ok(known.find(bytesOf(`${'.'.repeat(shift)}${head}ok`), shift), `${before} and ${shift}`)
    }
  }
})

test('one byte is another one, wherever_not known', () => {
  const known = knowing(`${head}ok`)
  for (let at = 0; at < head.length; at++) {
    for (const change of [1, 0x20, 0x80, 0xff]) {
      const bytes = bytesOf(`${head}ok`)
      bytes[at] = (bytes[at] as number) ^ change
      assert.equal(known.find(bytes, 0), null, `${at}`)
    }
  }
})

test('cut short, wherever_not known', () => {
  // Each length has a place of its own: one for each is known.
  for (let length = 0; length < head.length; length++) {
    const known = knowing(`${head}${'.'.repeat(8 - ((head.length - length) % 8))}`)
    assert.equal(known.find(bytesOf(head.slice(0, length)), 0), null)
  }
})

test('bytes that are no number as they lie there_read anew each time, never mistaken', () => {
  const odd = `HTTP/1.1 200 ${'\xff'.repeat(24)}\r\nContent-Length: 2\r\n\r\n`
  assert.equal(knowing(`${odd}ok`).find(bytesOf(`${odd}ok`), 0), null)
})

test('found only if every byte is the same', () => {
  const byte = fc.constantFrom(0, 0x20, 0x61, 0x7f, 0x80, 0xf0, 0xff)
  const bytes = fc
    .uint8Array({ minLength: 38, maxLength: 48 })
    .chain((some) =>
      fc.tuple(fc.constant(some), fc.array(fc.tuple(fc.nat(some.length - 1), byte), { maxLength: 2 })),
    )
  fc.assert(
    fc.property(bytes, ([some, changes]) => {
      const known = new KnownHeads(curious)
      // No head has a NUL.
      const first = Buffer.from(some.map((value) => value || 1))
      known.learn(first, 0, first.length, read)
      const second = Buffer.from(first)
      for (const [at, value] of changes) second[at] = value
      if (known.find(second, 0) !== null) assert.deepEqual(second, first)
    }),
    { numRuns: 5_000 },
  )
})

test('not each is remembered, and none that is long', () => {
  const known = new KnownHeads(new Curiosity(3, 3, () => 0.5))
  const first = bytesOf(`${head}ok`)
  // Of another length, and so in another place.
  const second = bytesOf(`${head}no!`)
  known.learn(first, 0, head.length, read)
  known.learn(second, 0, head.length, read)
  assert.ok(known.find(first, 0))
  assert.equal(known.find(second, 0), null)
  const long = bytesOf(`HTTP/1.1 200 OK\r\nX-A: ${'a'.repeat(1_024)}\r\n\r\n`)
  const all = new KnownHeads(curious)
  all.learn(long, 0, long.length, read)
  assert.equal(all.find(long, 0), null)
})
