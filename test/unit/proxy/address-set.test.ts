import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AddressSet } from '../../../src/proxy/address-set.ts'

test('networks and addresses of both families', () => {
  const set = new AddressSet(['10.0.0.0/8', '192.0.2.7', '2001:db8::/32', '::1'])
  for (const address of ['10.255.0.1', '192.0.2.7', '2001:db8:1::', '::1'])
    assert.ok(set.has(address), address)
  for (const address of ['11.0.0.1', '192.0.2.8', '2001:db9::', '::2', ''])
    assert.ok(!set.has(address), address)
})

test('empty_has nobody; /0 has everybody of its family', () => {
  assert.ok(!new AddressSet([]).has('10.0.0.1'))
  const all = new AddressSet(['0.0.0.0/0'])
  assert.ok(all.has('203.0.113.9'))
  assert.ok(!all.has('::1'))
})

test('more addresses than are remembered_each is told the same every time', () => {
  const set = new AddressSet(['10.0.0.0/17'])
  for (let round = 0; round < 2; round++) {
    for (let number = 0; number < 65_536; number += 7) {
      const address = `10.0.${number >> 8}.${number & 255}`
      assert.equal(set.has(address), number < 32_768, address)
      assert.equal(set.has(address), number < 32_768, `${address}, again`)
    }
  }
})
