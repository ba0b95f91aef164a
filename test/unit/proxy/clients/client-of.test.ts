import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AddressSet } from '../../../../src/proxy/address-set.ts'
import { clientOf, countedAddress, forwardedFor } from '../../../../src/proxy/clients/client-of.ts'

const trusted = new AddressSet(['10.0.0.0/8', '2001:db8:1::/48'])

for (const [what, peer, chain, client] of [
  ['nobody in between', '192.0.2.1', '', '192.0.2.1'],
  ['a stranger’s claim', '192.0.2.1', '198.51.100.1', '192.0.2.1'],
  ['a proxy', '10.0.0.1', '198.51.100.1', '198.51.100.1'],
  ['a proxy without the field', '10.0.0.1', '', '10.0.0.1'],
  ['a claim to the proxy', '10.0.0.1', '203.0.113.9, 198.51.100.1', '198.51.100.1'],
  ['several proxies', '10.0.0.1', '203.0.113.9, 198.51.100.1 ,10.0.0.7,10.0.0.8', '198.51.100.1'],
  ['proxies only', '10.0.0.1', '10.0.0.3, 10.0.0.2', '10.0.0.3'],
  ['nonsense behind a proxy', '10.0.0.1', '198.51.100.1, unknown, 10.0.0.2', '10.0.0.2'],
  ['an empty element', '10.0.0.1', '198.51.100.1,', '10.0.0.1'],
  ['ports', '10.0.0.1', '198.51.100.1:4711', '198.51.100.1'],
  ['IPv6 with a port', '2001:db8:1::1', '[2001:db8::7]:80', '2001:db8::7'],
  ['IPv6', '2001:db8:1::1', '2001:db8::7', '2001:db8::7'],
  ['IPv4 in IPv6', '10.0.0.1', '::FFFF:198.51.100.1', '198.51.100.1'],
  ['IPv4 in IPv6, in full', '10.0.0.1', '0000:0000:0000:0000:0000:ffff:c000:0207', '192.0.2.7'],
  ['IPv4 in IPv6, in hexadecimal', '10.0.0.1', '::ffff:c000:207', '192.0.2.7'],
  ['IPv4 in IPv6, without ::', '10.0.0.1', '0:0:0:0:0:FFFF:192.0.2.7', '192.0.2.7'],
  ['IPv4 in IPv6, :: elsewhere', '10.0.0.1', '[0::0:ffff:c000:207]:80', '192.0.2.7'],
  ['IPv4 in IPv6 with zeros', '10.0.0.1', '::ffff:0:0', '0.0.0.0'],
  ['a proxy as IPv4 in IPv6', '10.0.0.1', '198.51.100.1, ::ffff:a00:7', '198.51.100.1'],
  ['ffff elsewhere', '10.0.0.1', '::ffff:0:c000:207', '::ffff:0:c000:207'],
  ['ffff and more zeros', '10.0.0.1', '0:0:ffff::c000:207', '0:0:ffff::c000:207'],
  ['a Unix socket', '', '198.51.100.1', ''],
] as const) {
  test(`client_${what}: ${client}`, () => assert.equal(clientOf(peer, chain, trusted), client))
}

test('field in several lines_is one list', () => {
  const claims = [
    'x-forwarded-for',
    '203.0.113.9',
    'x-forwarded-proto',
    'http',
    'x-forwarded-for',
    '10.0.0.2',
  ]
  assert.equal(forwardedFor(claims), '203.0.113.9,10.0.0.2')
})

for (const [address, counted] of [
  ['192.0.2.1', '192.0.2.1'],
  ['', ''],
  ['2001:db8:0:7::1', '2001:db8:0:7'],
  ['2001:db8::1', '2001:db8:0:0'],
  ['2001:DB8:0000:0007:a:b:c:d', '2001:db8:0:7'],
  ['::1', '0:0:0:0'],
  ['2001:db8:1:2:3::', '2001:db8:1:2'],
  ['64:ff9b::192.0.2.1', '64:ff9b:0:0'],
] as const) {
  test(`counted as_${address}: ${counted}`, () => assert.equal(countedAddress(address), counted))
}
