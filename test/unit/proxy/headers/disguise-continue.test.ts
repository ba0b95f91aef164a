import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ContinueDisguise } from '../../../../src/proxy/headers/disguise-continue.ts'

/** @param pieces as they come over one connection, on which nothing has been read before */
function disguised(...pieces: string[]): string {
  const subject = new ContinueDisguise({ reader: null, served: 0, isHttp10: false })
  return pieces
    .map((text) => {
      const bytes = Buffer.from(text, 'latin1')
      subject.look(bytes)
      return bytes.toString('latin1')
    })
    .join('')
}

const final = 'HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n'
const several = `HTTP/1.1 103 E\r\nLink: a\r\n\r\nHTTP/1.0 100\r\n\r\nHTTP/1.1 100 Continue\r\nA: \r\r\n\r\n${final}`
const severalDisguised = `HTTP/1.1 103 E\r\nLink: a\r\n\r\nHTTP/1.0 109\r\n\r\nHTTP/1.1 109 Continue\r\nA: \r\r\n\r\n${final}`

test('100 in front of the final response_becomes 109', () => {
  assert.equal(disguised(`HTTP/1.1 100 Continue\r\n\r\n${final}`), `HTTP/1.1 109 Continue\r\n\r\n${final}`)
  assert.equal(disguised(several), severalDisguised)
})

test('cut anywhere, in two, in three or byte by byte_the same', () => {
  for (let first = 0; first <= several.length; first++) {
    const rest = several.slice(first)
    assert.equal(disguised(several.slice(0, first), rest), severalDisguised, `cut at ${first}`)
    for (let second = 0; second <= rest.length; second += 3) {
      const pieces = [several.slice(0, first), rest.slice(0, second), rest.slice(second)]
      assert.equal(disguised(...pieces), severalDisguised, `cut at ${first} and ${first + second}`)
    }
  }
  assert.equal(disguised(...several), severalDisguised)
})

test('anything else_left as it is', () => {
  for (const text of [
    '',
    'H',
    'HTTP/1.1 1',
    'HTTP/1.1 10',
    'HTTP/1.1 101 S\r\n\r\n',
    'HTTP/1.1 110 S\r\n\r\n',
    'XXXX/1.1 100 C\r\n\r\n',
    'HTTP/2.1 100 C\r\n\r\n',
    final,
  ]) {
    assert.equal(disguised(text), text)
    assert.equal(disguised(...text), text)
  }
})

test('a minor version above 1_becomes 1, wherever it is cut', () => {
  const later = 'HTTP/1.2 103 E\r\n\r\nHTTP/1.9 200 OK\r\n\r\nHTTP/1.2 200 OK\r\n\r\n'
  const sameAs11 = 'HTTP/1.1 103 E\r\n\r\nHTTP/1.1 200 OK\r\n\r\nHTTP/1.2 200 OK\r\n\r\n'
  assert.equal(disguised(later), sameAs11)
  assert.equal(disguised(...later), sameAs11)
  for (let at = 1; at < later.length; at++)
    assert.equal(disguised(later.slice(0, at), later.slice(at)), sameAs11, `cut at ${at}`)
})

test('HTTP/1.0_noted for the head at hand, and forgotten with the next one', () => {
  const responses = { reader: null, served: 0, isHttp10: false }
  const subject = new ContinueDisguise(responses)
  for (const [version, isHttp10] of [
    ['1.1', false],
    ['1.0', true],
    ['1.0', true],
    ['1.1', false],
    ['1.0', true],
    ['1.2', false],
  ] as const) {
    subject.look(Buffer.from(`HTTP/${version} 200 OK\r\n\r\n`))
    assert.equal(responses.isHttp10, isHttp10, version)
    responses.served++
  }
  for (const byte of 'HTTP/1.0 200 OK\r\n\r\n') subject.look(Buffer.from(byte))
  assert.equal(responses.isHttp10, true)
})

test('while a response is read_left alone; the next one is looked at again', () => {
  const responses = { reader: null as object | null, served: 0, isHttp10: false }
  const subject = new ContinueDisguise(responses)
  const look = (text: string) => {
    const bytes = Buffer.from(text)
    subject.look(bytes)
    return `${bytes}`
  }
  const interim = 'HTTP/1.1 100 Continue\r\n\r\n'
  look('HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\n')
  responses.reader = {}
  assert.equal(look(interim), interim, 'a body that looks like one')
  responses.reader = null
  assert.notEqual(look(interim), interim)
  // A response that came in one piece is known by the count alone.
  look('HTTP/1.1 204 No Content\r\n\r\n')
  assert.equal(look(interim), interim)
  responses.served++
  assert.notEqual(look(interim), interim)
})
