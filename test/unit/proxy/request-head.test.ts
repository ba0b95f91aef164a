import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { LimitsPlan } from '../../../src/plan/plan.ts'
import { fieldValue, isToken } from '../../../src/proxy/headers/bytes.ts'
import { fieldNames } from '../../../src/proxy/headers/field-names.ts'
import { isClaim } from '../../../src/proxy/headers/forwarding.ts'
import { isHopByHop } from '../../../src/proxy/headers/hop-by-hop.ts'
import { RequestHead } from '../../../src/proxy/request-head.ts'
import { FakeRequest, type FakeRequestOptions } from '../../support/fakes/http-request.ts'
import { readHead } from '../../support/fakes/read-head.ts'

function read(options: FakeRequestOptions, head = new RequestHead()): RequestHead {
  const request = new FakeRequest(options)
  readHead(head, request.native)
  request.die()
  return head
}

type Headers = readonly (readonly [name: string, value: string | Buffer])[]

/** What goes to the endpoint, without the Host that stands in every request. */
function forwarded(headers: Headers): string[] {
  return read({ headers }).headers
}

/** RFC 9110, section 5.5: no part of a field's value. */
function controls(character: string): boolean {
  return (character < ' ' && character !== '\t') || character === '\x7f'
}

const cl = 'content-length'
const te = 'transfer-encoding'

/** What the binding lets through (native-notes/03-request-parser.md) and a proxy must not. */
const framings: [rfc: string, condition: string, headers: Headers, fault: RegExp | null][] = [
  [
    'RFC 9112, 6.3, rule 5',
    'two lengths that differ',
    [
      [cl, '3'],
      [cl, '5'],
    ],
    /twice/,
  ],
  [
    'RFC 9112, 6.3, rule 5',
    'two equal lengths',
    [
      [cl, '3'],
      [cl, '3'],
    ],
    /twice/,
  ],
  ['RFC 9110, 8.6', 'empty length', [[cl, '']], /not a number/],
  [
    'RFC 9110, 8.6',
    'empty length, then a length',
    [
      [cl, ''],
      [cl, '3'],
    ],
    /Content-Length/,
  ],
  ['RFC 9110, 8.6', 'list of lengths', [[cl, '3, 3']], /not a number/],
  ['RFC 9110, 8.6', 'length with a sign', [[cl, '+3']], /not a number/],
  ['RFC 9110, 8.6', 'length in hexadecimal', [[cl, '0x3']], /not a number/],
  ['RFC 9110, 8.6', 'length beyond counting', [[cl, '9'.repeat(19)]], /not a number/],
  ['RFC 9110, 8.6', 'length with leading zeros', [[cl, '003']], null],
  [
    'RFC 9112, 6.1',
    'length and chunked',
    [
      [cl, '3'],
      [te, 'chunked'],
    ],
    /both/,
  ],
  [
    'RFC 9112, 6.1',
    'chunked and length',
    [
      [te, 'chunked'],
      [cl, '3'],
    ],
    /both/,
  ],
  [
    'RFC 9112, 6.1',
    'length and an empty coding',
    [
      [cl, '3'],
      [te, ''],
    ],
    /chunked/,
  ],
  [
    'RFC 9112, 6.1',
    'empty length and chunked',
    [
      [cl, ''],
      [te, 'chunked'],
    ],
    /Content-Length/,
  ],
  ['RFC 9112, 6.1', 'identity', [[te, 'identity']], /other than chunked/],
  ['RFC 9112, 6.1', 'gzip, chunked', [[te, 'gzip, chunked']], /other than chunked/],
  ['RFC 9112, 6.3, rule 4', 'chunked, gzip', [[te, 'chunked, gzip']], /other than chunked/],
  ['RFC 9112, 6.1', 'xchunked', [[te, 'xchunked']], /other than chunked/],
  ['RFC 9112, 6.1', 'chunked twice in one', [[te, 'chunked, chunked']], /other than chunked/],
  [
    'RFC 9112, 6.1',
    'chunked twice',
    [
      [te, 'chunked'],
      [te, 'chunked'],
    ],
    /twice/,
  ],
  ['RFC 9112, 7', 'Chunked in other case', [[te, 'CHUNKED']], null],
  ['RFC 9112, 6.3, rule 6', 'a length', [[cl, '3']], null],
  ['RFC 9112, 6.3, rule 7', 'neither', [], null],
  ['RFC 9112, 3.2', 'empty Host', [['host', '']], /Host/],
  [
    'RFC 9112, 3.2',
    'two Hosts',
    [
      ['host', 'a'],
      ['host', 'a'],
    ],
    /Host is given twice/,
  ],
  ['RFC 9110, 5.5', 'a control character in a value', [['x-a', 'a\x01b']], /must not be forwarded/],
  ['RFC 9110, 5.5', 'a line feed in a value', [['x-a', 'a\nb: c']], /must not be forwarded/],
  ['RFC 9110, 5.5', 'DEL in a value', [['x-a', 'DEL is no header character: \x7f']], /must not be forwarded/],
  [
    'RFC 9110, 5.5',
    'a control character behind one above ASCII',
    [['x-a', 'é\x00']],
    /must not be forwarded/,
  ],
  ['RFC 9110, 5.1', 'a space in a name', [['x a', '1']], /must not be forwarded/],
  ['RFC 9112, 3.2', 'Host with a path and user', [['host', 'a/b@c d']], /Host/],
  ['RFC 9112, 3.2', 'Host above ASCII', [['host', 'bücher.example']], /Host/],
]

for (const [rfc, condition, headers, fault] of framings) {
  test(`${rfc}: ${condition}_${fault === null ? 'passes' : 'refused'}`, () => {
    const head = read({ method: 'POST', headers })
    if (fault === null) assert.equal(head.fault, null)
    else assert.match(head.fault ?? 'none', fault)
  })
}

const methods: [method: string, ok: boolean][] = [
  ['GET', true],
  ['get', true],
  ['FOOBAR', true],
  ['TRACE', true],
  ['G(E)T', false],
  ['', false],
]
for (const [method, ok] of methods) {
  test(`RFC 9110, 9.1: method ${JSON.stringify(method)}_${ok ? 'passes as it is' : 'refused'}`, () => {
    const head = read({ method })
    assert.equal(head.method, method)
    assert.equal(head.fault === null, ok)
  })
}

const targets: [target: string, ok: boolean][] = [
  ['/', true],
  ['/a', true],
  ['/a?', true],
  ['/a?b=c?d', true],
  ['/a/../b/./c//d%2e%2e/%2F%00x', true],
  ['//evil.example/x', true],
  ['/a\\b"<>{}', true],
  ['/a#frag?x=1', false],
  ['/a?x=#1', false],
  ['/ä', false],
  ['/a?\ufffd', false],
  ['/a\x7f', false],
]
for (const [target, ok] of targets) {
  test(`RFC 9112, 3.2: target ${JSON.stringify(target)}_${ok ? 'passes byte for byte' : 'refused'}`, () => {
    const head = read({ target })
    assert.equal(head.target, target)
    assert.equal(head.fault === null, ok)
  })
}

test('body_announced by a length above 0 or by chunked', () => {
  assert.equal(read({}).hasBody, false)
  assert.equal(read({ headers: [[cl, '0']] }).hasBody, false)
  assert.equal(read({ headers: [[cl, '1']] }).hasBody, true)
  assert.equal(read({ headers: [[te, 'chunked']] }).hasBody, true)
})

test('framing_is left to undici: neither length nor coding is forwarded', () => {
  assert.deepEqual(forwarded([[cl, '3']]), [])
  assert.deepEqual(forwarded([[te, 'chunked']]), [])
})

test('end-to-end headers_forwarded in order, duplicates and all', () => {
  const headers: Headers = [
    ['x-a', '1'],
    ['cookie', 'a=1'],
    ['x-a', '2'],
    ['x_a', '3'],
  ]
  assert.deepEqual(forwarded(headers), headers.flat())
})

test('host and accept_noted, and accept forwarded: the host is written by itself', () => {
  const head = read({
    headers: [
      ['host', 'app.example:80'],
      ['accept', 'text/plain'],
    ],
  })
  assert.equal(head.host, 'app.example:80')
  assert.equal(head.accept, 'text/plain')
  assert.deepEqual(head.headers, ['accept', 'text/plain'])
})

for (const name of [
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'upgrade',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
]) {
  test(`${name} of the client_not forwarded`, () => {
    assert.deepEqual(forwarded([[name, 'x-value']]), [])
  })
}

test('nominated by Connection_dropped, before or behind it, from any number of them', () => {
  const headers: Headers = [
    ['x-secret', '1'],
    ['connection', 'X-Secret, close'],
    ['x-kept', '2'],
    ['connection', 'x-other'],
    ['x-other', '3'],
  ]
  assert.deepEqual(forwarded(headers), ['x-kept', '2'])
})

test('nominated Host_stays: the client cannot make the proxy forget where the request goes', () => {
  const head = read({ headers: [['connection', 'host, x-a']] })
  assert.deepEqual([head.host, head.headers], ['test', []])
})

test('claims about the client_are kept apart from what is forwarded', () => {
  const head = read({
    headers: [
      ['x-forwarded-for', '10.0.0.1'],
      ['x-forwarded-port', '1'],
      ['forwarded', 'for=a'],
      ['x-request-id', 'r'],
      ['x-forwarded', 'is none of them'],
    ],
  })
  assert.deepEqual(head.headers, ['x-forwarded', 'is none of them'])
  assert.equal(head.claims.length, 8)
})

test('nominated claim_stays: whoever passes Connection on cannot make the proxy forget who the client is', () => {
  const claims = [
    ['x-forwarded-for', '10.0.0.1'],
    ['x-forwarded-proto', 'https'],
    ['forwarded', 'for=10.0.0.1'],
    ['x-request-id', 'r'],
  ] as const
  const nominations = 'keep-alive, X-Forwarded-For, x-forwarded-proto, Forwarded, X-Request-Id, X-Other'
  const head = read({ headers: [['connection', nominations], ...claims, ['x-other', '1']] })
  assert.deepEqual([head.claims, head.headers], [claims.flat(), []])
  assert.deepEqual([head.nominates('x-request-id'), head.nominates('x-kept')], [true, false])
  head.reset()
  assert.equal(read({ headers: [['x-request-id', 'r']] }, head).nominates('x-request-id'), false)
})

test('value above ASCII_forwarded as the bytes that the client sent', () => {
  assert.deepEqual(forwarded([['x-a', '12 €']]), ['x-a', '12 \u00e2\u0082\u00ac'])
})

test('any value_forwarded with one byte for each character and none that controls, or a fault', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: fc.oneof(fc.constantFrom('a', '\t', ' ', 'é', '€'), fc.string({ unit: 'binary' })) }),
      (value) => {
        const head = read({ headers: [['x-a', value]] })
        assert.equal(head.fault !== null, [...value].some(controls))
        if (head.fault !== null) return
        const bytes = Buffer.from(head.headers[1] as string, 'latin1')
        assert.equal(bytes.length, head.headers[1]?.length)
        assert.deepEqual(bytes, Buffer.from(value, 'utf8'))
      },
    ),
  )
})

test('any fields, of names that are found and of others_as each is judged by itself, character by character', () => {
  const found = fieldNames.map(({ text }) => text)
  const name = fc.oneof(
    fc.constantFrom(...found),
    fc.constantFrom(
      'te',
      'keep-alive',
      'proxy-connection',
      'x_forwarded_for',
      'x-a',
      'x a',
      'cookie\t',
      'cookiF',
    ),
    // Found but for one character.
    fc
      .tuple(fc.constantFrom(...found), fc.nat(40), fc.constantFrom('(', 'b', ':', ' ', '\x00', '_'))
      .map(([text, at, by]) => text.slice(0, at % text.length) + by + text.slice((at % text.length) + 1)),
  )
  const value = fc.oneof(
    fc.constantFrom('1', '', 'a'.repeat(40), 'é', '\t', `${'a'.repeat(40)}\x7f`, 'a\r\nb: c', 'a\x00'),
    // What may stand for bytes that are no UTF-8 is asked for once more (`restoreBytes`).
    fc.string({ unit: 'binary', maxLength: 40 }).filter((text) => !text.includes('\ufffd')),
  )
  const fields = fc.array(fc.tuple(name, value), { maxLength: 12 })
  fc.assert(
    fc.property(fields, (headers) => {
      // What was remembered of it the first time is no reason to judge otherwise.
      for (let times = 0; times < 3; times++) {
        const head = read({ headers })
        const lower = headers.map(([name, value]) => [name.toLowerCase(), value] as const)
        const isFit = lower.every(([name, value]) => fieldValue(value) !== null && isToken(name))
        assert.equal(head.fault === null, isFit)
        if (!isFit) continue
        const kept = (test: (name: string) => boolean) =>
          lower.filter(([name]) => test(name)).flatMap(([name, value]) => [name, fieldValue(value)])
        assert.deepEqual(head.claims, kept(isClaim))
        assert.deepEqual(
          head.headers,
          kept((name) => !isClaim(name) && !isHopByHop(name)),
        )
      }
    }),
    { numRuns: 500 },
  )
})

test('reset_is as new, and the array that undici was given stays the same object', () => {
  const head = read({
    method: 'PUT',
    target: '/x?y',
    headers: [
      ['host', 'a'],
      ['accept', 'b'],
      ['connection', 'x-a'],
      ['upgrade', 'x'],
      ['max-forwards', '1'],
      ['expect', '100-Continue'],
      ['x-b', 'é'],
      [cl, '3'],
      [te, 'gzip'],
    ],
  })
  const { headers } = head
  head.reset()
  assert.deepEqual({ ...head }, { ...new RequestHead(), headers: [], claims: [] })
  assert.equal(head.headers, headers)
  read({ headers: [['x-a', '1']] }, head)
  assert.deepEqual(head.headers, ['x-a', '1'], 'no nomination is left over')
})

test('limit_passed by one is told apart by its answer, at the limit is not', () => {
  const judged = (options: FakeRequestOptions, limits: Partial<LimitsPlan>) => {
    const head = new RequestHead()
    const request = new FakeRequest(options).native
    readHead(head, request, limits)
    return head.fault === null ? 0 : head.verdict.status
  }
  // `GET /abc HTTP/1.1`, `host: test`, each with its line end, is 19 + 12.
  const small: FakeRequestOptions = { target: '/abc', headers: [['host', 'test']] }
  assert.equal(judged(small, { targetBytes: 4 }), 0)
  assert.equal(judged(small, { targetBytes: 3 }), 414)
  assert.equal(judged(small, { headerCount: 1 }), 0)
  assert.equal(judged(small, { headerCount: 0 }), 431)
  assert.equal(judged(small, { headBytes: 31 }), 0)
  assert.equal(judged(small, { headBytes: 30 }), 431)
  const upload: FakeRequestOptions = { method: 'POST', headers: [[cl, '5']] }
  assert.equal(judged(upload, { bodyBytes: 5 }), 0)
  assert.equal(judged(upload, { bodyBytes: 4 }), 413)
  assert.equal(judged(upload, { bodyBytes: 0 }), 0)
  const ambiguous: FakeRequestOptions = {
    method: 'POST',
    headers: [
      [cl, '5'],
      [cl, '6'],
    ],
  }
  assert.equal(judged(ambiguous, { bodyBytes: 1 }), 400, 'what is ambiguous is that first')
})
