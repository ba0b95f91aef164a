import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { HttpRequest } from '../../../../src/native/uws.ts'
import {
  answeredFields,
  forwardedFields,
  isHandshake,
  offered,
  wantsWebSocket,
} from '../../../../src/proxy/websocket/handshake.ts'

function request(headers: Record<string, string>): HttpRequest {
  return { getHeader: (name: string) => headers[name] ?? '' } as unknown as HttpRequest
}

test('wantsWebSocket wants both fields, in any case and among others', () => {
  for (const connection of ['Upgrade', 'upgrade', 'keep-alive, Upgrade', 'x ,UPGRADE, y']) {
    assert.equal(wantsWebSocket(request({ upgrade: 'WebSocket', connection })), true, connection)
  }
  for (const connection of ['', 'close', 'upgrades', 'keep-alive']) {
    assert.equal(wantsWebSocket(request({ upgrade: 'websocket', connection })), false, connection)
  }
  for (const upgrade of ['', 'h2c', 'websocket2']) {
    assert.equal(wantsWebSocket(request({ upgrade, connection: 'upgrade' })), false, upgrade)
  }
})

test('wantsWebSocket leaves what announces a body to where bodies are judged', () => {
  const good = { upgrade: 'websocket', connection: 'upgrade' }
  assert.equal(wantsWebSocket(request({ ...good, 'content-length': '0' })), false)
  assert.equal(wantsWebSocket(request({ ...good, 'transfer-encoding': 'chunked' })), false)
})

test('offered reads every line of the field, and lists in it', () => {
  const name = 'sec-websocket-protocol'
  assert.deepEqual(offered([name, 'a, b', 'origin', 'c', name, ' d ,,']), ['a', 'b', 'd'])
  assert.deepEqual(offered(['origin', 'x']), [])
})

test('forwardedFields leaves out the fields of the handshake but the subprotocols, and keeps lines apart', () => {
  const fields = forwardedFields([
    ...['sec-websocket-key', 'k', 'sec-websocket-version', '13', 'sec-websocket-extensions', 'e'],
    ...['sec-websocket-protocol', 'a', 'cookie', '1', 'cookie', '2', 'cookie', '3', '__proto__', 'x'],
  ])
  assert.deepEqual(Object.entries(fields), [
    ['sec-websocket-protocol', 'a'],
    ['cookie', ['1', '2', '3']],
    ['__proto__', 'x'],
  ])
})

const key = ['sec-websocket-key', 'dGhlIHNhbXBsZSBub25jZQ==']
const version = ['sec-websocket-version', '13']
const handshakes: [what: string, headers: string[], ok: boolean][] = [
  ['a key and a version', [...key, ...version], true],
  ['no version, which is judged elsewhere', key, true],
  ['no key', version, false],
  ['two keys', [...key, ...version, ...key], false],
  ['two versions', [...key, ...version, ...version], false],
  ['a value that is named like the field', [...key, 'x-a', 'sec-websocket-key'], true],
  ...['', 'x', 'dGhlIHNhbXBsZSBub25jZQ', '!'.repeat(24), 'a'.repeat(24), `${'a'.repeat(21)}===`].map(
    (value): [string, string[], boolean] => [`the key ${value}`, ['sec-websocket-key', value], false],
  ),
]
for (const [what, headers, ok] of handshakes) {
  test(`RFC 6455, 4.2.1: ${what}_${ok ? 'yes' : 'no'}`, () => assert.equal(isHandshake(headers), ok))
}

test('answeredFields leaves out the fields of the handshake, and keeps bytes', () => {
  const raw = [
    'Set-Cookie',
    'a=\xe9',
    'SEC-WebSocket-Accept',
    'x',
    'Sec-WebSocket-Extensions',
    'y',
    'X-A',
    '',
  ]
  assert.deepEqual(
    answeredFields(raw).map((bytes) => bytes.toString('latin1')),
    ['Set-Cookie', 'a=\xe9', 'X-A', ''],
  )
})
