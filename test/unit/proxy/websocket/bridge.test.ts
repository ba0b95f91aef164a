import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { test } from 'node:test'
import WebSocket from 'ws'
import { type Outcome, outcomes } from '../../../../src/plan/outcome.ts'
import { Bridge, backlogBytes, type ClientSocket } from '../../../../src/proxy/websocket/bridge.ts'

class FakeEndpoint extends EventEmitter {
  readyState: number = WebSocket.OPEN
  bufferedAmount = 0
  isPaused = false
  readonly calls: unknown[][] = []
  send = (data: Buffer, { binary }: { binary: boolean }) => this.calls.push(['send', String(data), binary])
  ping = (data: Buffer) => this.calls.push(['ping', String(data)])
  pong = (data: Buffer) => this.calls.push(['pong', String(data)])
  terminate = () => this.calls.push(['terminate'])
  close = (code?: number, reason?: Buffer) => {
    if (code !== undefined && (code < 1000 || code > 4999)) throw new TypeError('code')
    this.calls.push(code === undefined ? ['close'] : ['close', code, String(reason ?? '')])
  }
  pause = () => {
    this.isPaused = true
  }
  resume = () => {
    this.isPaused = false
  }
}

const payloadMax = 1_000

function open() {
  const endpoint = new FakeEndpoint()
  const ended: Outcome[] = []
  const bridge = new Bridge(endpoint as unknown as WebSocket, payloadMax, (outcome) => ended.push(outcome))
  const calls: unknown[][] = []
  const client = {
    answer: 1,
    buffered: 0,
    send: (data: Uint8Array, binary: boolean) => {
      calls.push(['send', String(data), binary])
      return client.answer
    },
    ping: (data: Uint8Array) => calls.push(['ping', String(data)]),
    // As the binding: the close event comes from inside.
    end: (code?: number, reason?: Uint8Array) => {
      calls.push(code === undefined ? ['end'] : ['end', code, String(reason ?? '')])
      bridge.clientClosed(code ?? 1005, bytes(String(reason ?? '')))
    },
    close: () => {
      calls.push(['close'])
      bridge.clientClosed(1006, bytes(''))
    },
    getBufferedAmount: () => client.buffered,
  }
  bridge.opened(client as unknown as ClientSocket)
  return { bridge, endpoint, client, calls, ended }
}

function bytes(text: string): ArrayBuffer {
  return new TextEncoder().encode(text).buffer as ArrayBuffer
}

test('the endpoint is paused while the client’s buffer holds anything, and resumed when it is empty', () => {
  const { bridge, endpoint, client } = open()
  client.answer = 0
  client.buffered = 10
  endpoint.emit('message', Buffer.from('a'), false)
  assert.equal(endpoint.isPaused, true)
  client.buffered = 5
  bridge.drained()
  assert.equal(endpoint.isPaused, true)
  client.buffered = 0
  bridge.drained()
  assert.equal(endpoint.isPaused, false)
})

for (const [what, sends] of [
  ['send', (bridge: Bridge, data: ArrayBuffer) => bridge.message(data, true)],
  ['ping', (bridge: Bridge, data: ArrayBuffer) => bridge.ping(data)],
  ['pong', (bridge: Bridge, data: ArrayBuffer) => bridge.pong(data)],
] as const) {
  test(`a client whose endpoint holds more than the bound is closed with 1013, both sides (${what})`, () => {
    const { bridge, endpoint, calls, ended } = open()
    endpoint.bufferedAmount = payloadMax + backlogBytes
    sends(bridge, bytes('fits'))
    assert.deepEqual(
      endpoint.calls.map((call) => call.slice(0, 2)),
      [[what, 'fits']],
    )
    endpoint.bufferedAmount++
    sends(bridge, bytes('too much'))
    assert.deepEqual(calls, [['end', 1013, '']])
    assert.deepEqual(endpoint.calls.slice(1), [['close', 1013, '']])
    assert.deepEqual(ended, [outcomes.responseTruncated])
  })
}

test('pongs: those of the client’s that answer the binding’s own pings end here', () => {
  const { bridge, endpoint } = open()
  bridge.pong(bytes(''))
  assert.deepEqual(endpoint.calls, [])
  endpoint.emit('ping', Buffer.alloc(0))
  bridge.pong(bytes(''))
  bridge.pong(bytes(''))
  bridge.pong(bytes('unasked'))
  assert.deepEqual(endpoint.calls, [
    ['pong', ''],
    ['pong', 'unasked'],
  ])
})

for (const [said, code, expected, outcome] of [
  ['', 1006, ['terminate'], outcomes.clientAborted],
  ['WebSocket timed out from inactivity', 1006, ['terminate'], outcomes.clientStalled],
  ['Received too big message', 1006, ['close', 1009, ''], outcomes.bodyTooLarge],
  ['', 1005, ['close'], outcomes.completed],
  ['bye', 4000, ['close', 4000, 'bye'], outcomes.completed],
  ['', 999, ['terminate'], outcomes.completed],
] as const) {
  test(`the client closes with ${code} '${said}': the endpoint sees ${expected.join(' ')}`, () => {
    const { bridge, endpoint, ended } = open()
    bridge.clientClosed(code, bytes(said))
    assert.deepEqual(endpoint.calls, [expected])
    assert.deepEqual(ended, [outcome])
    // What comes from the endpoint afterwards reaches nobody.
    endpoint.emit('message', Buffer.from('late'), false)
    endpoint.emit('ping', Buffer.from('late'))
    endpoint.emit('error', new Error('late'))
    endpoint.emit('close', 1006, Buffer.alloc(0))
    assert.deepEqual(endpoint.calls, [expected])
    assert.equal(ended.length, 1)
  })
}

test('a paused endpoint is resumed when the client has gone, so that it hears the answer to its close frame', () => {
  const { bridge, endpoint, client } = open()
  client.answer = 0
  endpoint.emit('message', Buffer.from('a'), false)
  bridge.clientClosed(1000, bytes(''))
  assert.equal(endpoint.isPaused, false)
})

for (const [code, expected, outcome] of [
  [1006, ['close'], outcomes.responseTruncated],
  [1005, ['end'], outcomes.completed],
  [1000, ['end', 1000, 'why'], outcomes.completed],
] as const) {
  test(`the endpoint closes with ${code}: the client sees ${expected.join(' ')}`, () => {
    const { endpoint, calls, ended } = open()
    endpoint.emit('close', code, Buffer.from('why'))
    assert.deepEqual(calls, [expected])
    assert.deepEqual(ended, [outcome])
  })
}

test('the endpoint’s message is too long: the client is told 1009; other errors of its cut the client off', () => {
  const long = open()
  const error = Object.assign(new Error('too long'), { code: 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH' })
  long.endpoint.emit('error', error)
  assert.deepEqual(long.calls, [['end', 1009, '']])
  assert.deepEqual(long.ended, [outcomes.responseTruncated])
  const broken = open()
  broken.endpoint.emit('error', new Error('reset'))
  assert.deepEqual(broken.calls, [['close']])
  assert.deepEqual(broken.ended, [outcomes.responseTruncated])
})

test('draining sends 1001 to both', () => {
  const { bridge, endpoint, calls, ended } = open()
  bridge.goAway()
  assert.deepEqual(calls, [['end', 1001, '']])
  assert.deepEqual(endpoint.calls, [['close', 1001, '']])
  assert.deepEqual(ended, [outcomes.completed])
})
