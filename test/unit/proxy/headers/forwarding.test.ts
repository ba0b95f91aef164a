import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ForwardingPlan } from '../../../../src/plan/plan.ts'
import { type Forwardable, Forwarding, isClaim } from '../../../../src/proxy/headers/forwarding.ts'

const nothing: ForwardingPlan = { trustedProxies: [], forwarded: false, via: false, requestId: false }
const peer = '192.0.2.7'
const trusting = { ...nothing, trustedProxies: ['192.0.2.0/24', '2001:db8::/32'] }

/** What the endpoint gets, one `name: value` per field. */
function sent(plan: ForwardingPlan, claims: string[] = [], address = peer): string[] {
  return told(plan, claims, address).lines
}

function told(plan: ForwardingPlan, claims: string[], address = peer, nominated: readonly string[] = []) {
  const nominates = (name: string) => nominated.includes(name)
  const head: Forwardable = { host: 'app.example:81', headers: [], claims, requestId: '', nominates }
  new Forwarding(plan).apply(head, address, 'http')
  const lines: string[] = []
  for (let index = 0; index < head.headers.length; index += 2) {
    lines.push(`${head.headers[index]}: ${head.headers[index + 1]}`)
  }
  return { head, lines }
}

const own = ['x-forwarded-for: 192.0.2.7', 'x-forwarded-proto: http', 'x-forwarded-host: app.example:81']
const claimed = [
  ['x-forwarded-for', '10.0.0.1'],
  ['x-forwarded-proto', 'https'],
  ['x-forwarded-for', '10.0.0.2'],
  ['x-forwarded-host', 'other'],
  ['x-forwarded-port', '443'],
  ['forwarded', 'for=10.0.0.1'],
].flat()

test('no trust_says who asked, how, and for which host, and drops every claim', () => {
  assert.deepEqual(sent(nothing), own)
  assert.deepEqual(sent(nothing, claimed), own)
  assert.deepEqual(sent({ ...trusting, trustedProxies: ['10.0.0.0/8'] }, claimed), own)
})

test('trusted peer_claims are kept, and the peer is added', () => {
  const expected = [
    'x-forwarded-port: 443',
    'x-forwarded-for: 10.0.0.1, 10.0.0.2, 192.0.2.7',
    'x-forwarded-proto: https',
    'x-forwarded-host: other',
    'forwarded: for=10.0.0.1',
  ]
  assert.deepEqual(sent(trusting, claimed), expected)
  assert.deepEqual(sent(trusting), own)
})

test('claim with an underscore_dropped, be the peer trusted or not: CGI and WSGI make one variable of both', () => {
  const underscored = [
    ['x_forwarded_for', '10.0.0.9'],
    ['x-forwarded_proto', 'https'],
    ['x_forwarded-port', '443'],
    ['x-forwarded-client_cert', 'abc'],
  ].flat()
  assert.deepEqual(sent(trusting, underscored), own)
  assert.deepEqual(sent(nothing, underscored), own)
  for (const name of ['x_request_id', 'x_request-id', 'x-request_id']) {
    for (const plan of [nothing, trusting]) {
      const fresh = told({ ...plan, requestId: true }, [name, 'abc'])
      assert.match(fresh.head.requestId, /^[0-9a-f-]{36}$/)
      assert.deepEqual(fresh.lines, [...own, `x-request-id: ${fresh.head.requestId}`])
      assert.deepEqual(
        sent(plan, [name, 'abc']),
        [`${name}: abc`, ...own],
        'a field like any other where off',
      )
      assert.deepEqual(told(plan, [name, 'abc'], peer, [name]).lines, own)
    }
  }
})

test('Forwarded_RFC 7239: IPv6 in brackets and quotes, an unknown peer as such, extended where trusted', () => {
  const plan = { ...trusting, forwarded: true }
  const last = (claims: string[], address: string) => sent(plan, claims, address).at(-1)
  assert.equal(last([], peer), 'forwarded: for=192.0.2.7;host="app.example:81";proto=http')
  assert.equal(last([], '2001:db8::7'), 'forwarded: for="[2001:db8::7]";host="app.example:81";proto=http')
  assert.equal(last([], ''), 'forwarded: for=unknown;host="app.example:81";proto=http')
  const claim = ['forwarded', 'for=a', 'forwarded', 'for=b']
  assert.match(last(claim, '2001:db8::7')!, /^forwarded: for=a, for=b, for="\[2001:db8::7\]";/)
  assert.match(last(claim, '10.0.0.9')!, /^forwarded: for=10\.0\.0\.9;/)
})

test('no address (a Unix socket)_no X-Forwarded-For, rather than an empty one, whatever is claimed', () => {
  const unknown = own.slice(1)
  assert.deepEqual(sent(nothing, [], ''), unknown)
  assert.deepEqual(sent({ ...trusting, trustedProxies: ['0.0.0.0/0', '::/0'] }, claimed, ''), unknown)
})

test('Via_added where asked for', () => {
  assert.equal(sent({ ...nothing, via: true }).at(-1), 'via: 1.1 weir')
})

test('X-Request-Id_passed on where off, new where on, kept from a trusted peer', () => {
  const claim = ['x-request-id', 'abc']
  assert.deepEqual(sent(nothing, claim), ['x-request-id: abc', ...own])
  const fresh = told({ ...nothing, requestId: true }, claim)
  assert.match(fresh.head.requestId, /^[0-9a-f-]{36}$/)
  assert.equal(fresh.lines.at(-1), `x-request-id: ${fresh.head.requestId}`)
  const kept = told({ ...trusting, requestId: true }, claim)
  assert.equal(kept.head.requestId, 'abc')
  assert.equal(kept.lines.at(-1), 'x-request-id: abc')
})

test('X-Request-Id twice, or empty_all of them where off, as of any field; where on the last one, from a trusted peer', () => {
  const claim = ['x-request-id', 'abc', 'x-request-id', '', 'x-request-id', 'def']
  for (const plan of [nothing, trusting]) {
    const lines = ['x-request-id: abc', 'x-request-id: ', 'x-request-id: def', ...own]
    assert.deepEqual(sent(plan, claim), lines)
    assert.equal(told(plan, claim).head.requestId, '', 'not told by the log')
  }
  assert.equal(told({ ...trusting, requestId: true }, claim).lines.at(-1), 'x-request-id: def')
})

test('X-Request-Id that Connection nominates_goes as any field does where off, stays what it is where on', () => {
  const claim = ['x-request-id', 'abc']
  for (const plan of [nothing, trusting]) {
    assert.deepEqual(told(plan, claim, peer, ['x-request-id']).lines, own)
    assert.deepEqual(told(plan, claim, peer, ['x-other']).lines, ['x-request-id: abc', ...own])
  }
  assert.equal(told({ ...trusting, requestId: true }, claim, peer, claim).head.requestId, 'abc')
  assert.notEqual(told({ ...nothing, requestId: true }, claim, peer, claim).head.requestId, 'abc')
})

test('isClaim_all of X-Forwarded-*, Forwarded and X-Request-Id', () => {
  for (const name of [
    'forwarded',
    'x-request-id',
    'x-forwarded-for',
    'x-forwarded-prefix',
    'x-forwarded-a',
    'x_forwarded_for',
    'x-forwarded_for',
    'x_forwarded-host',
    'x_request_id',
    'x-request_id',
    'x_request-id',
  ]) {
    assert.ok(isClaim(name), name)
  }
  for (const name of [
    'x-forwarded',
    'x-forwarded-',
    'x-forwardedly_x',
    'x_request_ix',
    'x-requesting',
    'content-type',
    'x-real-ip',
    'forwardee',
    'content-length',
  ]) {
    assert.ok(!isClaim(name), name)
  }
})
