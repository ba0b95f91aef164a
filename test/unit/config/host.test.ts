import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isHostName, listenHostFault, routeHostFault, serverNameFault } from '../../../src/config/host.ts'

const names: [text: string, valid: boolean][] = [
  ['localhost', true],
  ['example.com', true],
  ['EXAMPLE.com', true],
  ['a', true],
  ['my_service', true],
  ['xn--mnchen-3ya.de', true],
  ['1.example', true],
  [`${'a'.repeat(63)}.com`, true],
  [`${'a'.repeat(64)}.com`, false],
  [`${'a.'.repeat(126)}b`, true],
  [`${'a.'.repeat(127)}b`, false],
  ['', false],
  ['example.com.', false],
  ['.example.com', false],
  ['a..b', false],
  ['-a.com', false],
  ['a-.com', false],
  ['256.1.1.1', false],
  ['exa mple', false],
  ['bücher.de', false],
  ['a/b', false],
]

for (const [text, valid] of names) {
  test(`isHostName ${JSON.stringify(text.slice(0, 30))} (${text.length}) is ${valid}`, () => {
    assert.equal(isHostName(text), valid)
  })
}

for (const host of ['0.0.0.0', '127.0.0.1', '::', '::1', 'fe80::1%eth0', 'localhost', 'host.internal']) {
  test(`listenHostFault ${host} is none`, () => assert.equal(listenHostFault(host), null))
}

const listenFaults: [host: string, hint: RegExp][] = [
  ['', /"0\.0\.0\.0" for every IPv4 interface/],
  ['*', /"0\.0\.0\.0" for every IPv4 interface/],
  ['[::1]', /write "::1"/],
  ['127.0.0.1:8080', /the port has its own key/],
  ['a b', /for example/],
  ['999.1.1.1', /for example/],
]

for (const [host, hint] of listenFaults) {
  test(`listenHostFault ${JSON.stringify(host)} says what to do`, () => {
    assert.match(listenHostFault(host) ?? 'no fault', hint)
  })
}

for (const host of [
  'example.com',
  'Example.COM',
  '*.example.com',
  '*.com',
  'localhost',
  '10.0.0.1',
  '[::1]',
]) {
  test(`routeHostFault ${host} is none`, () => assert.equal(routeHostFault(host), null))
}

test('serverNameFault address_is one, name_is none', () => {
  for (const name of ['example.com', '*.example.com']) assert.equal(serverNameFault(name), null)
  for (const address of ['10.0.0.1', '::1', '[::1]'])
    assert.match(serverNameFault(address) ?? 'no fault', /clients send none as a server name/)
  assert.match(serverNameFault('a b') ?? 'no fault', /for example/)
})

const routeFaults: [host: string, hint: RegExp][] = [
  ['*', /leave out "host"/],
  ['', /for example/],
  ['https://example.com', /only the host/],
  ['example.com/api', /only the host/],
  ['example.com:8080', /leave out the port/],
  ['::1', /write "\[::1\]"/],
  ['api.*.com', /whole first label/],
  ['*example.com', /whole first label/],
  ['*.*.com', /whole first label/],
  ['bücher.de', /"xn--" form/],
  ['exa mple', /for example/],
  ['*.10.0.0.1', /for example|whole first label/],
  ['*.[::1]', /leave out the port|for example|whole first label/],
]

for (const [host, hint] of routeFaults) {
  test(`routeHostFault ${JSON.stringify(host)} says what to do`, () => {
    assert.match(routeHostFault(host) ?? 'no fault', hint)
  })
}
