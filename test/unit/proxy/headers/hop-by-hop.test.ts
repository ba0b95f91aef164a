import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isHopByHop, nominated } from '../../../../src/proxy/headers/hop-by-hop.ts'

/** RFC 9110, section 7.6.1. */
const hopByHop = [
  'close',
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]
/** Neighbours of the same lengths, and others that are forwarded. */
const endToEnd = [
  'et',
  'referer',
  'expires',
  'user-agent',
  'set-cookie',
  'x-forwarded-host',
  'allow',
  '',
  'te ',
]

for (const name of hopByHop) test(`${name}_never forwarded`, () => assert.equal(isHopByHop(name), true))
for (const name of endToEnd)
  test(`${name || 'no name'}_forwarded`, () => assert.equal(isHopByHop(name), false))

const connections: [value: string, names: string[]][] = [
  ['', []],
  ['close', []],
  ['keep-alive', []],
  ['Keep-Alive', []],
  ['close, keep-alive', []],
  ['X-Secret', ['x-secret']],
  ['keep-alive, x-a ,\tx-b', ['x-a', 'x-b']],
  [', ,x-a,,', ['x-a']],
  ['Upgrade', ['upgrade']],
  ['x-a,x-b,'.repeat(1_000), ['x-a', 'x-b']],
]

for (const [value, names] of connections) {
  test(`connection ${JSON.stringify(value).slice(0, 40)}_nominates ${names.join(', ') || 'nothing'}`, () => {
    assert.deepEqual([...nominated(value)], names)
  })
}

for (const name of ['Host', 'Content-Length', 'Transfer-Encoding']) {
  test(`${name}_cannot be nominated away: Weir writes its own`, () => {
    assert.deepEqual([...nominated(`x-a, ${name}`)], ['x-a'])
  })
}
