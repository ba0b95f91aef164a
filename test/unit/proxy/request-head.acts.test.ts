/** What a request's head has that Weir acts on itself, and bytes that are not UTF-8. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { RequestHead } from '../../../src/proxy/request-head.ts'
import { FakeRequest, type FakeRequestOptions } from '../../support/fakes/http-request.ts'
import { readHead } from '../../support/fakes/read-head.ts'

function read(options: FakeRequestOptions): RequestHead {
  const head = new RequestHead()
  readHead(head, new FakeRequest(options).native)
  return head
}

/** RFC 9110, section 7.6.2. null: passed on no further. */
const forwards: [method: string, values: string[], passed: string[] | null][] = [
  ['OPTIONS', ['1'], ['0']],
  ['TRACE', ['010'], ['9']],
  ['OPTIONS', ['0'], null],
  ['TRACE', ['00'], null],
  ['OPTIONS', ['3', '0'], null],
  ['OPTIONS', ['9'.repeat(400)], ['9007199254740991']],
  ['OPTIONS', [''], ['']],
  ['OPTIONS', ['+1'], ['+1']],
  ['GET', ['0'], ['0']],
  ['options', ['0'], ['0']],
]
for (const [method, values, passed] of forwards) {
  test(`RFC 9110, 7.6.2: ${method} with Max-Forwards ${values.join(' and ')}_${passed ?? 'ends here'}`, () => {
    const head = read({
      method,
      headers: [['x-a', 'max-forwards'], ...values.map((value) => ['max-forwards', value] as const)],
    })
    assert.equal(head.isLastHop, passed === null)
    if (passed !== null)
      assert.deepEqual(head.headers, [
        'x-a',
        'max-forwards',
        ...passed.flatMap((value) => ['max-forwards', value]),
      ])
  })
}

/** RFC 9110, section 10.1.1. */
const expectations: [values: string[], awaits: boolean, status: number][] = [
  [['100-continue'], false, 0],
  [['100-Continue'], true, 0],
  [[''], false, 0],
  [['100-continue, x'], false, 417],
  [['x=y'], false, 417],
  [['100-continue', 'x'], false, 417],
]
for (const [values, awaits, status] of expectations) {
  test(`RFC 9110, 10.1.1: Expect ${values.join(' and ')}_${status || 'forwarded without it'}`, () => {
    const head = read({ headers: values.map((value) => ['expect', value] as const) })
    assert.deepEqual([head.awaitsContinue, head.headers], [awaits, []])
    assert.equal(head.fault === null ? 0 : head.verdict.status, status)
  })
}

test('any bytes_forwarded as they came, be they UTF-8 or not', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0x80, max: 0xff })), (bytes) => {
      const sent = Buffer.concat([Buffer.from('<'), Buffer.from(bytes), Buffer.from('>')])
      const head = read({
        headers: [
          ['x-a', '1'],
          ['x-b', sent],
          ['x-forwarded-a', sent],
          ['x-a', '2'],
        ],
      })
      assert.equal(head.fault, null)
      assert.deepEqual(head.headers, ['x-a', '1', 'x-b', sent.latin1Slice(), 'x-a', '2'])
      assert.deepEqual(head.claims, ['x-forwarded-a', sent.latin1Slice()])
    }),
  )
})

test('bytes that are not UTF-8 in the second field of a name_refused, since only the first can be had', () => {
  const odd = Buffer.from('a\xe9b', 'latin1')
  for (const first of ['x', odd, Buffer.from('a\xe8b', 'latin1')]) {
    const head = read({
      headers: [
        ['x-a', first],
        ['x-a', odd],
      ],
    })
    assert.match(head.fault!, /not UTF-8/)
  }
  const headers = [
    ['x-a', odd],
    ['x-a', 'é'],
  ] as const
  assert.deepEqual(read({ headers }).headers, ['x-a', 'a\xe9b', 'x-a', '\xc3\xa9'])
})
