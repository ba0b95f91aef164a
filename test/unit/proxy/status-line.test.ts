import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isBodiless, statusLine } from '../../../src/proxy/status-line.ts'

const lines: [status: number, line: string][] = [
  [200, '200 OK'],
  [204, '204 No Content'],
  [404, '404 Not Found'],
  [503, '503 Service Unavailable'],
  [299, '299 Unknown'],
  [999, '999 Unknown'],
]

for (const [status, line] of lines) {
  test(`status ${status}_"${line}"`, () => {
    assert.equal(statusLine(status), line)
  })
}

test('any status_three digits, a space and visible text, which no client can misread', () => {
  for (let status = 100; status <= 999; status++) {
    assert.match(statusLine(status), new RegExp(`^${status} [\\x20-\\x7e]+$`))
  }
})

test('bodiless_204 and 304 only', () => {
  const bodiless = Array.from({ length: 900 }, (_, index) => index + 100).filter(isBodiless)
  assert.deepEqual(bodiless, [204, 304])
})
