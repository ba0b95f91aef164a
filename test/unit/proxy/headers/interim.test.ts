import assert from 'node:assert/strict'
import { test } from 'node:test'
import { disguisedContinue } from '../../../../src/proxy/headers/disguise-continue.ts'
import { interimBytesMax, withInterim } from '../../../../src/proxy/headers/interim.ts'

function raw(...texts: string[]): Buffer[] {
  return texts.map((text) => Buffer.from(text, 'latin1'))
}

test('several_one behind the other, to stand between HTTP/1.1 and the final status', () => {
  const first = withInterim('', 102, [])
  assert.equal(first, '102 Processing\r\n\r\nHTTP/1.1 ')
  assert.equal(
    withInterim(first, 103, raw('Link', '</a>', 'link', '</\xe9>')),
    `${first}103 Early Hints\r\nLink: </a>\r\nlink: </\xe9>\r\n\r\nHTTP/1.1 `,
  )
})

test('what concerns one connection, or a body_left out', () => {
  assert.equal(
    withInterim('', 103, raw('Connection', 'x-hop', 'X-Hop', '1', 'Content-Length', '3', 'Date', 'today')),
    '103 Early Hints\r\n\r\nHTTP/1.1 ',
  )
})

test('100 Continue_kept from the client', () => {
  assert.equal(withInterim('before', disguisedContinue, raw('X-A', '1')), 'before')
})

test('too many bytes_those that fit are kept', () => {
  const first = withInterim('', 103, raw('X-A', 'a'.repeat(interimBytesMax - 100)))
  assert.ok(first.length > 0)
  assert.equal(withInterim(first, 103, raw('X-B', 'b'.repeat(100))), first)
})
