import assert from 'node:assert/strict'
import { test } from 'node:test'
import { networkFault } from '../../../src/config/network.ts'

test('network_address or CIDR', () => {
  for (const text of ['10.0.0.0/8', '192.0.2.7', '::1', '2001:db8::/32', '0.0.0.0/0', '::/128']) {
    assert.equal(networkFault(text), null, text)
  }
})

test('network_anything else says what is wrong', () => {
  for (const text of [
    '',
    'localhost',
    '10.0.0/8',
    '10.0.0.0/',
    '10.0.0.0/x',
    'fe80::1%eth0',
    '10.0.0.0/8/8',
  ]) {
    assert.notEqual(networkFault(text), null, text)
  }
  assert.match(networkFault('10.0.0.0/33')!, /0 to 32/)
  assert.match(networkFault('::/129')!, /0 to 128/)
})
