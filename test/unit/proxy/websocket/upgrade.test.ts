/** On 20.51.4 an upgrade inside a cork closes some WebSockets: see native-notes/15-websockets.md. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { HttpResponse } from '../../../../src/native/uws.ts'
import type { ClientSocket } from '../../../../src/proxy/websocket/bridge.ts'
import type { Session, SessionHost } from '../../../../src/proxy/websocket/session.ts'
import { upgrade } from '../../../../src/proxy/websocket/upgrade.ts'

function calls(upgradesInCork: boolean, other: boolean, name = ''): string[] {
  const seen: string[] = []
  const corked = (name: string) => (callback: () => void) => {
    seen.push(`${name} {`)
    callback()
    seen.push('}')
  }
  const res = {
    cork: corked('res.cork'),
    writeStatus: (status: string) => {
      seen.push(status)
      return res
    },
    writeHeader: (...field: string[]) => {
      seen.push(field.join('='))
      return res
    },
    upgrade: (_data: unknown, key: string, protocol: string, extensions: string) =>
      seen.push(`upgrade ${key} ${protocol} '${extensions}'`),
  } as unknown as HttpResponse
  const client = { cork: corked('other.cork') } as unknown as ClientSocket
  const host = {
    context: { binding: { upgradesInCork } },
    anyClient: () => (other ? client : null),
  } as unknown as SessionHost
  upgrade(res, {} as Session, 'key', 'chosen', { name, rest: 'value' }, null, host)
  return seen
}

test('upgrade runs in the response’s own cork only where the binding can', () => {
  const plain = "upgrade key chosen ''"
  assert.deepEqual(calls(true, true), ['res.cork {', plain, '}'])
  assert.deepEqual(calls(false, true), ['other.cork {', 'res.cork {', plain, '}', '}'])
  assert.deepEqual(calls(false, false), [plain])
})

test('fields of the answer go ahead of the upgrade, in a cork of their own', () => {
  const plain = "upgrade key chosen ''"
  const head = ['res.cork {', '101 Switching Protocols', 'x-a=value', '}']
  assert.deepEqual(calls(true, true, 'x-a'), [...head, 'res.cork {', plain, '}'])
  assert.deepEqual(calls(false, false, 'x-a'), [...head, plain])
})
