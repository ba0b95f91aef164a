import assert from 'node:assert/strict'
import { test } from 'node:test'
import { disguiseContinue } from '../../../../src/proxy/headers/disguise-continue.ts'

function disguised(text: string): string {
  const bytes = Buffer.from(text, 'latin1')
  disguiseContinue(bytes)
  return bytes.toString('latin1')
}

const final = 'HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n'

test('100 in front of the final response_becomes 199', () => {
  assert.equal(disguised(`HTTP/1.1 100 Continue\r\n\r\n${final}`), `HTTP/1.1 199 Continue\r\n\r\n${final}`)
  assert.equal(
    disguised(`HTTP/1.1 103 E\r\nLink: a\r\n\r\nHTTP/1.0 100\r\n\r\n${final}`),
    `HTTP/1.1 103 E\r\nLink: a\r\n\r\nHTTP/1.0 199\r\n\r\n${final}`,
  )
})

test('anything else_left as it is', () => {
  for (const text of ['', 'H', 'HTTP/1.1 1', 'HTTP/1.1 101 S\r\n\r\n', 'XXXX/1.1 100 C\r\n\r\n', final]) {
    assert.equal(disguised(text), text)
  }
})
