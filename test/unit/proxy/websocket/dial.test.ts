import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Outcome, outcomes } from '../../../../src/plan/outcome.ts'
import type { Endpoint } from '../../../../src/proxy/endpoint.ts'
import { RequestHead } from '../../../../src/proxy/request-head.ts'
import type { Upstream } from '../../../../src/proxy/upstream.ts'
import { dial } from '../../../../src/proxy/websocket/dial.ts'
import { FakeRequest } from '../../../support/fakes/http-request.ts'
import { timeouts } from '../../../support/fakes/plans.ts'
import { readHead } from '../../../support/fakes/read-head.ts'

test('closed within the handshake without an error_failed, once', () => {
  const head = new RequestHead()
  readHead(head, new FakeRequest().native)
  // Never comes to a connection.
  const endpoint = { origin: 'http://127.0.0.1:9', openSocket: () => {} } as unknown as Endpoint
  const failures: [Outcome, string][] = []
  const socket = dial({ timeouts } as Upstream, endpoint, head, '', 1_024, {
    agreed: () => assert.fail('agreed'),
    refused: () => assert.fail('refused'),
    failed: (outcome, error) => failures.push([outcome, error.message]),
  })
  socket.emit('close', 1006, Buffer.alloc(0))
  socket.emit('close', 1006, Buffer.alloc(0))
  assert.deepEqual(failures, [[outcomes.endpointReset, 'closed within the handshake']])
})
