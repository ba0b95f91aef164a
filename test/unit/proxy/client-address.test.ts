import assert from 'node:assert/strict'
import { isIP } from 'node:net'
import { test } from 'node:test'
import fc from 'fast-check'
import { addressText, clientAddress } from '../../../src/proxy/client-address.ts'
import { FakeResponse } from '../../support/fakes/http-response.ts'

function bytes(...groups: number[]): Uint8Array {
  return new Uint8Array(groups.flatMap((group) => [group >> 8, group & 0xff]))
}

const v6: [condition: string, groups: number[], text: string][] = [
  ['loopback', [0, 0, 0, 0, 0, 0, 0, 1], '::1'],
  ['unspecified', [0, 0, 0, 0, 0, 0, 0, 0], '::'],
  ['leading zeros dropped (RFC 5952, 4.1)', [0x2001, 0x0db8, 0, 0, 0, 0, 0, 7], '2001:db8::7'],
  ['longest run of zeros shortened (4.2.1)', [0x2001, 0, 0, 1, 0, 0, 0, 1], '2001:0:0:1::1'],
  ['single group of zeros kept (4.2.2)', [0x2001, 0xdb8, 0, 1, 1, 1, 1, 1], '2001:db8:0:1:1:1:1:1'],
  ['first of two equal runs shortened (4.2.3)', [0x2001, 0xdb8, 0, 0, 1, 0, 0, 1], '2001:db8::1:0:0:1'],
  ['lower case (4.3)', [0xabcd, 0xef01, 2, 3, 4, 5, 6, 0xfeed], 'abcd:ef01:2:3:4:5:6:feed'],
  ['mapped IPv4 as IPv4', [0, 0, 0, 0, 0, 0xffff, 0xc000, 0x0207], '192.0.2.7'],
  ['no mapped IPv4, for all its zeros', [0, 0, 0, 0, 0, 0xfffe, 0xc000, 0x0207], '::fffe:c000:207'],
]

for (const [condition, groups, text] of v6) {
  test(`16 bytes ${condition}_${text}`, () => {
    assert.equal(addressText(bytes(...groups)), text)
  })
}

test('4 bytes_dotted', () => {
  assert.equal(addressText(new Uint8Array([192, 0, 2, 255])), '192.0.2.255')
})

test('any other length (a socket that is gone)_empty', () => {
  for (const length of [0, 1, 5, 15, 17]) assert.equal(addressText(new Uint8Array(length)), '')
})

test('any 16 bytes_the same address for every other parser', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (raw) => {
      const text = addressText(raw)
      assert.notEqual(isIP(text), 0, text)
      if (isIP(text) === 6) assert.equal(new URL(`http://[${text}]`).hostname, `[${text}]`)
    }),
  )
})

test('response_asked for its bytes', () => {
  assert.equal(clientAddress(new FakeResponse({ address: [10, 1, 2, 3] }).native), '10.1.2.3')
})
