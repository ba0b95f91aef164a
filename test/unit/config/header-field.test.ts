import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  earlyHeaderFault,
  headerNameFault,
  headerValueFault,
  seenHeaderFault,
} from '../../../src/config/header-field.ts'
import { RequestHead } from '../../../src/proxy/request-head.ts'
import { FakeRequest } from '../../support/fakes/http-request.ts'
import { readHead } from '../../support/fakes/read-head.ts'

for (const name of ['Content-Type', 'x', 'X_1', "!#$%&'*+-.^_`|~"]) {
  test(`headerNameFault ${name} is none`, () => assert.equal(headerNameFault(name), null))
}

for (const name of ['', 'a b', 'a:', 'a\r\nb', 'a\u0000', 'ä', 'a"', '(a)', 'a/b']) {
  test(`headerNameFault ${JSON.stringify(name)} is no token`, () => {
    assert.match(headerNameFault(name) ?? 'no fault', /letters, digits and/)
  })
}

for (const name of ['Content-Length', 'transfer-encoding', 'CONNECTION', 'Date', 'Keep-Alive', 'Upgrade']) {
  test(`headerNameFault ${name} is Weir's own`, () => {
    assert.match(headerNameFault(name) ?? 'no fault', /leave it out/)
  })
}

const requestIds = ['X-Request-Id', 'X_Request_Id', 'x-request_id']
const claims = ['Forwarded', ...requestIds, 'X-Forwarded-For', 'x_forwarded_proto', 'X-Forwarded_Host']
const taken = ['TE', 'Close', 'Trailer', 'Keep-Alive', 'Proxy-Connection']
const framing: [name: string, value: string][] = [
  ['Connection', 'close'],
  ['Upgrade', 'h2c'],
  ['Expect', '100-continue'],
  ['Content-Length', '5'],
  ['Transfer-Encoding', 'chunked'],
]
for (const [name, value] of [
  ...framing,
  ...['Host', ...claims, ...taken, 'X-Key', 'Accept', 'Cookie', 'Forwarded-For', 'X-Forwarded-', 'Date'].map(
    (name): [string, string] => [name, 'a'],
  ),
]) {
  test(`earlyHeaderFault ${name} is one unless it is among a request's fields when that has come`, () => {
    const head = new RequestHead()
    readHead(head, new FakeRequest({ method: 'POST', headers: [[name, value]] }).native)
    assert.equal(head.fault, null)
    assert.equal(earlyHeaderFault(name) === null, head.headers.includes(name.toLowerCase()))
  })
}

test('seenHeaderFault host_and_claims are none: they stand in what is sent', () => {
  for (const name of ['Host', ...claims]) assert.equal(seenHeaderFault(name), null, name)
  for (const name of [...framing.map(([name]) => name), ...taken])
    assert.match(seenHeaderFault(name) ?? 'no fault', /never match/, name)
  for (const fault of [seenHeaderFault, earlyHeaderFault])
    assert.match(fault('x key') ?? 'no fault', /^letters, digits/)
})

for (const value of ['', 'text/plain; charset=utf-8', 'a\tb', '~ !"']) {
  test(`headerValueFault ${JSON.stringify(value)} is none`, () => assert.equal(headerValueFault(value), null))
}

test('headerValueFault every_character_but_printable_ascii_and_tab is refused', () => {
  const passed: number[] = []
  for (let code = 0; code < 0x1_0000; code++) {
    if (headerValueFault(`a${String.fromCharCode(code)}b`) === null) passed.push(code)
  }
  const printable = Array.from({ length: 0x7f - 0x20 }, (_, index) => 0x20 + index)
  assert.deepEqual(passed, [0x09, ...printable])
})

test('headerValueFault line_break_at_the_end is refused', () => {
  for (const end of ['\n', '\r', '\r\n', '\u0000']) assert.notEqual(headerValueFault(`a${end}`), null)
})
