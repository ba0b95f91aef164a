import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AnswerReader } from '../../../../perf/harness/answer-reader.ts'

interface Case {
  readonly what: string
  readonly answer: string
  readonly status: number
  readonly closes: boolean
  /** It ends with the connection and not before. */
  readonly atEnd?: boolean
}

const cases: readonly Case[] = [
  {
    what: 'a length',
    answer: 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello',
    status: 200,
    closes: false,
  },
  {
    what: 'no body',
    answer: 'HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n',
    status: 503,
    closes: false,
  },
  { what: 'no content', answer: 'HTTP/1.1 204 No Content\r\n\r\n', status: 204, closes: false },
  {
    what: 'a close announced',
    answer: 'HTTP/1.1 429 Too Many\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno',
    status: 429,
    closes: true,
  },
  {
    what: 'chunks',
    answer: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n',
    status: 200,
    closes: false,
  },
  {
    what: 'chunks and nothing in them',
    answer: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    status: 200,
    closes: false,
  },
  {
    what: 'the end of the connection',
    answer: 'HTTP/1.0 503 Service Unavailable\r\nContent-Type: text/html\r\n\r\n<html>',
    status: 503,
    closes: true,
    atEnd: true,
  },
]

for (const { what, answer, status, closes, atEnd = false } of cases) {
  test(`an answer that ends with ${what} is_read, whole and byte by byte`, () => {
    const reader = new AnswerReader()
    for (const pieces of [[answer], [...answer]]) {
      reader.reset()
      const complete = pieces.map((piece) => reader.push(piece))
      assert.equal(complete.at(-1), !atEnd)
      assert.ok(complete.slice(0, -1).every((one) => !one))
      assert.deepEqual([reader.status, reader.closes, reader.end()], [status, closes, atEnd])
    }
  })
}

test('half an answer is_no_answer when the connection ends', () => {
  const reader = new AnswerReader()
  assert.equal(reader.end(), false)
  assert.equal(reader.push('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell'), false)
  assert.equal(reader.end(), false)
})

test('what is no HTTP is_refused', () => {
  assert.throws(() => new AnswerReader().push('SSH-2.0\r\n\r\n'), /no status line: "SSH-2.0"/)
  assert.throws(() => new AnswerReader().push('a'.repeat(70_000)), /does not end/)
})
