import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Load } from '../../../../perf/harness/scenario.ts'
import { asSent, requestsFile } from '../../../../perf/harness/sent.ts'
import { smallLoad } from '../../../../perf/scenarios/routes.ts'

const load: Load = { ...smallLoad, path: '/a?b', headers: { Accept: '*/*' } }

test('a request without a body is_a_head', () => {
  assert.deepEqual(asSent(load, '127.0.0.1:1'), [
    'GET /a?b HTTP/1.1\r\nHost: 127.0.0.1:1\r\nAccept: */*\r\n\r\n',
  ])
})

test('one with a body says_its_length', () => {
  const [sent] = asSent({ ...load, method: 'POST', bodyBytes: 11 }, 'h')
  assert.equal(sent, 'POST /a?b HTTP/1.1\r\nHost: h\r\nAccept: */*\r\nContent-Length: 11\r\n\r\nThe quick b')
})

test('requests that differ are_all_there', () => {
  assert.equal(new Set(asSent({ ...load, varied: 30 }, 'h')).size, 30)
})

test('a file of requests has_each_behind_its_length', () => {
  assert.equal(requestsFile(['one\r\n', '']), '5\none\r\n0\n')
})
