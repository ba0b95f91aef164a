import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { HttpResponse } from '../../../../src/native/uws.ts'
import { disguisedContinue } from '../../../../src/proxy/headers/disguise-continue.ts'
import {
  interimBytesMax,
  sendInterim,
  withInterim,
  writeStatusAndFields,
  writeStatusBehind,
} from '../../../../src/proxy/headers/interim.ts'
import { ResponseBlock } from '../../../../src/proxy/headers/response-block.ts'

/** What the binding would write. */
function written(write: (res: HttpResponse) => void): string {
  let bytes = ''
  const text = (part: string | Buffer | ArrayBuffer) => {
    if (part instanceof ArrayBuffer) return Buffer.from(part).latin1Slice()
    return typeof part === 'string' ? Buffer.from(part).latin1Slice() : part.latin1Slice()
  }
  const res = {
    cork: (callback: () => void) => callback(),
    writeStatus: (status: string) => {
      bytes += `HTTP/1.1 ${text(status)}\r\n`
    },
    writeHeader: (name: string, value: string) => {
      bytes += `${text(name)}: ${text(value)}\r\n`
    },
  }
  write(res as unknown as HttpResponse)
  return bytes
}

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

test('what has been sent counts as well', () => {
  assert.equal(withInterim('', 103, raw('X-B', 'b'), interimBytesMax - 10), '')
})

test('a head that is ready in bytes_written as it is, unless something is added or goes ahead of it', () => {
  const ready = {
    name: 'X-A',
    rest: '1\r\nX-B: \xe9',
    contentLength: 2,
    ascii: false,
    written: Uint8Array.from(Buffer.from('404 Ready\r\nX-A: 1\r\nX-B: \xe9', 'latin1')).buffer,
  }
  const block = new ResponseBlock()
  const head = () => written((res) => writeStatusAndFields(res, 404, block))
  block.read(ready)
  assert.equal(head(), 'HTTP/1.1 404 Ready\r\nX-A: 1\r\nX-B: \xe9\r\n')
  block.add('X-C', '3')
  assert.equal(head(), 'HTTP/1.1 404 Not Found\r\nX-A: 1\r\nX-B: \xe9\r\nX-C: 3\r\n')
  const hint = withInterim('', 103, raw('Link', '</a>'))
  block.read(ready, hint)
  assert.equal(head(), `HTTP/1.1 ${hint}404 Not Found\r\nX-A: 1\r\nX-B: \xe9\r\n`)
  block.read(ready)
  block.behindInterim = true
  assert.equal(head(), 'HTTP/1.1 404 Not Found\r\nX-A: 1\r\nX-B: \xe9\r\n')
  block.behindInterim = false
  block.read(raw('X-A', '1'))
  assert.equal(head(), 'HTTP/1.1 404 Not Found\r\nX-A: 1\r\n', 'another head is not ready')
})

test('a head that is said to be ASCII_written as text, unless bytes above that are added', () => {
  const block = new ResponseBlock()
  const head = () => written((res) => writeStatusAndFields(res, 404, block))
  block.read({ name: 'X-A', rest: '1', contentLength: 2, ascii: true, written: null })
  assert.equal(head(), 'HTTP/1.1 404 Not Found\r\nX-A: 1\r\n')
  block.add('X-B', '\xe9')
  assert.equal(head(), 'HTTP/1.1 404 Not Found\r\nX-A: 1\r\nX-B: \xe9\r\n')
  block.read({ name: 'X-A', rest: '1', contentLength: 2, ascii: true, written: null })
  block.read(raw('X-A', '\xe9'))
  assert.equal(head(), 'HTTP/1.1 404 Not Found\r\nX-A: \xe9\r\n', 'of another head nothing has been said')
})

test('sent ahead of the head_each whole, the first ones by the status line, further ones by a field', () => {
  const hint = withInterim('', 103, raw('Link', '</\xe9>', 'X-A', '1'))
  const whole = 'HTTP/1.1 103 Early Hints\r\nLink: </\xe9>\r\nX-A: 1\r\n\r\n'
  assert.equal(
    written((res) => sendInterim(res, hint, false)),
    whole,
  )
  assert.equal(
    written((res) => sendInterim(res, hint, true)),
    whole,
  )
  const bare = withInterim('', 102, [])
  assert.equal(
    written((res) => sendInterim(res, bare, false)),
    'HTTP/1.1 102 Processing\r\n\r\n',
  )
  assert.equal(
    written((res) => sendInterim(res, bare, true)),
    'HTTP/1.1 102 Processing\r\nvia: 1.1 weir\r\n\r\n',
  )
  const both = withInterim(bare, 103, raw('Link', '</a>'))
  assert.equal(
    written((res) => sendInterim(res, both, true)),
    'HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n',
  )
})

test('the head behind them_its status line stands in a field', () => {
  const block = new ResponseBlock()
  const head = () => written((res) => writeStatusAndFields(res, 200, block))
  block.behindInterim = true
  block.read(raw('X-A', '\xe9', 'X-B', '2'))
  assert.equal(head(), 'HTTP/1.1 200 OK\r\nX-A: \xe9\r\nX-B: 2\r\n')
  block.read([])
  assert.equal(head(), 'HTTP/1.1 200 OK\r\nvia: 1.1 weir\r\n')
  block.read(raw('X-A', '1'), withInterim('', 103, []))
  assert.equal(head(), 'HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nX-A: 1\r\n')
  assert.equal(
    written((res) => writeStatusBehind(res, '', 502, 'content-type', 'a/b')),
    'HTTP/1.1 502 Bad Gateway\r\ncontent-type: a/b\r\n',
  )
})
