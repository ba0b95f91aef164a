import assert from 'node:assert/strict'
import { test } from 'node:test'
import { proxyHeader } from '../../../src/plan/proxy-header.ts'

const signature = '0d0a0d0a000d0a515549540a'

const headers: [client: string, v1: string, v2: string][] = [
  ['203.0.113.7', 'PROXY TCP4 203.0.113.7 0.0.0.0 0 0\r\n', `2111000c${'cb007107'}${'00'.repeat(8)}`],
  [
    '2001:db8::7',
    'PROXY TCP6 2001:db8::7 :: 0 0\r\n',
    `21210024${'20010db8000000000000000000000007'}${'00'.repeat(20)}`,
  ],
  ['::1', 'PROXY TCP6 ::1 :: 0 0\r\n', `21210024${'00'.repeat(15)}01${'00'.repeat(20)}`],
  ['fe80::', 'PROXY TCP6 fe80:: :: 0 0\r\n', `21210024fe80${'00'.repeat(34)}`],
  [
    '1:2:3:4:5:6:7:ffff',
    'PROXY TCP6 1:2:3:4:5:6:7:ffff :: 0 0\r\n',
    `21210024000100020003000400050006${'0007ffff'}${'00'.repeat(20)}`,
  ],
  ['', 'PROXY UNKNOWN\r\n', '20000000'],
  ['not an address', 'PROXY UNKNOWN\r\n', '20000000'],
]

for (const [client, v1, v2] of headers) {
  test(`PROXY header of ${JSON.stringify(client)}`, () => {
    assert.equal(proxyHeader('v1', client).toString('latin1'), v1)
    assert.equal(proxyHeader('v2', client).toString('hex'), signature + v2)
  })
}
