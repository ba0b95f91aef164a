import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Outcome, outcomes } from '../../../src/plan/outcome.ts'
import type { FixedResponse } from '../../../src/plan/route-plan.ts'
import { answer, FixedReply, refuseAtOnce } from '../../../src/proxy/reply.ts'

import { FakeResponse } from '../../support/fakes/http-response.ts'
import { headerValues, type ParsedResponse } from '../../support/fakes/parse-response.ts'
import { waitFor } from '../../support/wait.ts'

interface Answered {
  readonly res: FakeResponse
  readonly parsed: ParsedResponse
}

function answered(outcome: Outcome, { method = 'GET', accept = '', close = false } = {}): Answered {
  const res = new FakeResponse()
  answer(res.native, outcome, method, accept, close)
  assert.deepEqual(res.misuse, [])
  return { res, parsed: res.parse(method === 'HEAD') }
}

const withAnswer = Object.entries(outcomes).filter(([, { status }]) => status !== 0)

for (const [name, outcome] of withAnswer) {
  test(`${name}_${outcome.status}, as JSON that names the outcome`, () => {
    const { res, parsed } = answered(outcome)
    assert.equal(parsed.status, outcome.status)
    assert.deepEqual(headerValues(parsed, 'content-type'), ['application/json'])
    assert.deepEqual(JSON.parse(parsed.body.toString()), {
      error: outcome.code,
      status: outcome.status,
      message: outcome.message,
    })
    assert.ok(parsed.complete && parsed.rest.length === 0)
    assert.equal(res.closedBy, null)
    assert.equal(headerValues(parsed, 'retry-after').length, outcome.status === 503 ? 1 : 0)
  })
}

for (const accept of ['', 'text/plain']) {
  test(`refused at once, Accept ${accept || 'none'}_out whole although it is closed inside the handler`, () => {
    const res = new FakeResponse()
    res.cork(() => refuseAtOnce(res.native, outcomes.badRequest, accept), true)
    const parsed = res.parse()
    assert.equal(parsed.status, 400)
    assert.match(parsed.body.toString(), accept === '' ? /^\{"error":"bad_request",.*\}\s+$/ : /^400 .*\s+$/)
    assert.deepEqual(headerValues(parsed, 'connection'), ['close'])
    assert.equal(headerValues(parsed, 'date').length, 1)
    assert.ok(parsed.complete && parsed.rest.length === 0)
    assert.equal(res.closedBy, 'close')
    assert.deepEqual(res.misuse, [])
  })
}

/** RFC 9110, section 12.5.1. */
const accepts: [accept: string, json: boolean][] = [
  ['', true],
  ['*/*', true],
  ['application/json', true],
  ['APPLICATION/JSON', true],
  ['application/*', true],
  ['text/html, application/json;q=0.9', true],
  ['text/html,application/xhtml+xml,*/*;q=0.8', true],
  ['application/json; q=0.05', true],
  ['text/plain', false],
  ['text/html', false],
  ['text/*', false],
  ['application/json;q=0', false],
  ['application/json; q=0.0', false],
  ['application/json ;q=0', false],
  ['text/plain, application/json;q=0', false],
  ['text/plain, */*;q=0.000', false],
  ['application/json;q=0, */*', true],
  ['application/xml', false],
  ['application/json-seq', false],
  ['application/json-patch+json, text/plain', false],
  ['application/json-seq, application/json', true],
  ['x-application/json', false],
  ['text/html,application/json ;q=0.5', true],
  ['application/json\t, text/html', true],
  ['application/json;charset=utf-8', true],
]

for (const [accept, json] of accepts) {
  test(`accept ${JSON.stringify(accept)}_${json ? 'JSON' : 'plain text'}`, () => {
    const { parsed } = answered(outcomes.noRoute, { accept })
    const type = json ? 'application/json' : 'text/plain; charset=utf-8'
    assert.deepEqual(headerValues(parsed, 'content-type'), [type])
    if (!json) assert.equal(parsed.body.toString(), `404 ${outcomes.noRoute.message}\n`)
  })
}

test('close_announced and done, once the answer is out', () => {
  const { res, parsed } = answered(outcomes.badRequest, { close: true })
  assert.deepEqual(headerValues(parsed, 'connection'), ['close'])
  assert.equal(res.closedBy, 'end')
})

for (const method of ['POST', 'HEAD']) {
  test(`close while the client still sends, ${method}_the answer is whole, and the close waits for the upload`, (t) => {
    t.mock.timers.enable({ apis: ['setInterval'] })
    const res = new FakeResponse()
    const upload = { coming: true, bytes: 0 }
    answer(res.native, outcomes.bodyTooLarge, method, '', true, { upload })
    const parsed = res.parse(method === 'HEAD')
    assert.ok(parsed.complete && parsed.rest.length === 0)
    assert.deepEqual(headerValues(parsed, 'connection'), ['close'])
    const length = answered(outcomes.bodyTooLarge).parsed.body.length
    assert.deepEqual(headerValues(parsed, 'content-length'), [String(length)])
    t.mock.timers.tick(5_000)
    assert.equal(res.closedBy, null)
    upload.coming = false
    t.mock.timers.tick(2_000)
    assert.equal(res.closedBy, 'close')
    assert.deepEqual(res.misuse, [])
  })
}

test('HEAD_the length of the body that GET would have had, and no body', () => {
  const { parsed } = answered(outcomes.noRoute, { method: 'HEAD' })
  const length = answered(outcomes.noRoute).parsed.body.length
  assert.deepEqual(headerValues(parsed, 'content-length'), [String(length)])
  assert.equal(parsed.rest.length, 0)
})

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

test('HEAD and close_announced, and done when the head is out', async () => {
  const { res, parsed } = answered(outcomes.noRoute, { method: 'HEAD', close: true })
  assert.deepEqual(headerValues(parsed, 'connection'), ['close'])
  assert.deepEqual([headerValues(parsed, 'date').length, parsed.rest.length, res.closedBy], [1, 0, null])
  await turn()
  assert.deepEqual([res.closedBy, res.misuse], ['close', []])
})

test('HEAD and close, and the client leaves first_not touched again', async () => {
  const { res } = answered(outcomes.noRoute, { method: 'HEAD', close: true })
  res.leave()
  await turn()
  assert.deepEqual(res.misuse, [])
})

function sent(response: Partial<FixedResponse>, method = 'GET', close = false): Answered {
  const res = new FakeResponse()
  const reply = new FixedReply({ status: 200, headers: [], body: '', ...response })
  res.inHandler(() => reply.send(res.native, method, close))
  assert.deepEqual(res.misuse, [])
  return { res, parsed: res.parse(method === 'HEAD') }
}

test('fixed answer_status, headers in order, body as UTF-8', () => {
  const headers = [
    ['X-A', '1'],
    ['x-b', '2'],
    ['X-A', '3'],
  ] as const
  const { parsed } = sent({ status: 418, headers, body: 'é' })
  assert.equal(parsed.status, 418)
  assert.deepEqual(parsed.headers.slice(0, 3), [
    ['x-a', '1'],
    ['x-b', '2'],
    ['x-a', '3'],
  ])
  assert.equal(parsed.body.toString(), 'é')
  assert.deepEqual(headerValues(parsed, 'content-length'), ['2'])
})

test('fixed answer with an empty body_length 0', () => {
  assert.deepEqual(headerValues(sent({}).parsed, 'content-length'), ['0'])
})

for (const status of [204, 304]) {
  test(`fixed ${status}_neither body nor length, whatever the plan says`, () => {
    const { parsed } = sent({ status, body: 'never sent' })
    assert.equal(parsed.status, status)
    assert.deepEqual(headerValues(parsed, 'content-length'), [])
    assert.equal(parsed.rest.length, 0)
  })
}

test('fixed answer to HEAD_length in UTF-8 bytes, no body', () => {
  const { parsed } = sent({ body: 'é' }, 'HEAD')
  assert.deepEqual(headerValues(parsed, 'content-length'), ['2'])
  assert.equal(parsed.rest.length, 0)
})

for (const [condition, response, method] of [
  ['with a body', { body: 'x' }, 'GET'],
  ['to HEAD', { body: 'x' }, 'HEAD'],
  ['204', { status: 204 }, 'GET'],
  ['304', { status: 304 }, 'GET'],
] as const) {
  test(`fixed answer ${condition} while draining_announces the close, and closes`, async () => {
    const { res, parsed } = sent(response, method, true)
    assert.deepEqual(headerValues(parsed, 'connection'), ['close'])
    assert.equal(parsed.rest.length, 0)
    await turn()
    assert.notEqual(res.closedBy, null)
  })
}

test('fixed answer that does not fit the cork, to a client whose kernel takes little_nothing is lost', async () => {
  const body = 'é'.repeat(20_000)
  for (const kernelBytes of [100, 20_000, 1_000_000]) {
    const res = new FakeResponse({ kernelBytes })
    const reply = new FixedReply({ status: 200, headers: [['x-a', '1']], body })
    res.inHandler(() => reply.send(res.native, 'GET', true))
    while (res.read() > 0);
    // Where the kernel has taken all of it at once, the connection is Weir's to close.
    const closes = kernelBytes > body.length * 2
    assert.deepEqual([res.misuse, res.lostBytes, res.done], [[], 0, !closes])
    if (closes) await waitFor(() => res.closedBy === 'close', { what: 'the close' })
    const parsed = res.parse()
    assert.ok(parsed.complete && parsed.rest.length === 0)
    assert.equal(parsed.body.toString(), body)
    assert.deepEqual(headerValues(parsed, 'content-length'), ['40000'])
    assert.deepEqual(headerValues(parsed, 'connection'), ['close'])
  }
})

test('fixed answer that does not fit the cork, and the client leaves_not touched again', () => {
  const res = new FakeResponse({ kernelBytes: 20_000 })
  const reply = new FixedReply({ status: 200, headers: [], body: 'x'.repeat(60_000) })
  res.onAborted(() => assert.fail('whoever had the response has let go of it'))
  res.inHandler(() => reply.send(res.native, 'GET', false))
  res.leave()
  res.read()
  assert.deepEqual(res.misuse, [])
})
