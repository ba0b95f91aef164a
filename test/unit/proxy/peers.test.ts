import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Peers } from '../../../src/proxy/peers.ts'

function opened(...addresses: string[]): Peers {
  const peers = new Peers()
  for (const address of addresses) peers.opened(() => address)
  return peers
}

test('no connection yet_nobody is the only one', () => {
  assert.equal(opened().sole, null)
})

test('all from one address_that one', () => {
  assert.equal(opened('192.0.2.1', '192.0.2.1').sole, '192.0.2.1')
})

test('Unix sockets, which have no address_none', () => {
  assert.equal(opened('', '').sole, '')
})

for (const [condition, addresses] of [
  ['another address', ['192.0.2.1', '192.0.2.2']],
  ['one that was gone at once', ['192.0.2.1', '']],
  ['one that was gone at once, first', ['', '192.0.2.1']],
  ['back to the first', ['192.0.2.1', '192.0.2.2', '192.0.2.1', '192.0.2.1']],
] as const) {
  test(`${condition}_each is asked from then on`, () => assert.equal(opened(...addresses).sole, null))
}

test('they differ already_a connection that opens is not asked any more', () => {
  const peers = opened('192.0.2.1', '192.0.2.2')
  peers.opened(() => assert.fail('asked'))
  assert.equal(peers.sole, null)
})
