/** Responses one by one; what holds for all of them stands in response-body.property.test.ts. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ResponseBody } from '../../../../src/proxy/body/response-body.ts'
import { ResponseBlock } from '../../../../src/proxy/headers/response-block.ts'
import { bytes } from '../../../support/bytes.ts'
import { FakeResponse, type FakeResponseOptions } from '../../../support/fakes/http-response.ts'
import { headerValues } from '../../../support/fakes/parse-response.ts'
import { waitFor } from '../../../support/wait.ts'

interface Setting extends FakeResponseOptions {
  readonly status?: number
  readonly headers?: readonly (readonly [string, string])[]
  readonly isHead?: boolean
  readonly close?: boolean
  /** The client is still sending its request when the response ends. */
  readonly uploads?: { coming: boolean; bytes: number }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

function begin(setting: Setting = {}) {
  const { status = 200, headers = [], isHead = false, close = false, uploads = null, ...options } = setting
  const res = new FakeResponse(options)
  const events: string[] = []
  const body = new ResponseBody(
    16_000,
    () => events.push('drained'),
    () => events.push('complete'),
    () => uploads,
  )
  const block = new ResponseBlock()
  block.read(headers.flatMap(([name, value]) => [Buffer.from(name), Buffer.from(value)]))
  body.begin(res.native, status, block, isHead, close)
  return { res, body, events }
}

const length = (count: number) => ['content-length', String(count)] as const

test('known length in one piece_one answer with length, complete with it', () => {
  const { res, body, events } = begin({ headers: [['x-a', '1'], length(5)] })
  assert.equal(body.headWritten, false)
  assert.equal(body.write(Buffer.from('hello')), true)
  assert.deepEqual(events, ['complete'])
  const parsed = res.parse()
  assert.equal(parsed.body.toString(), 'hello')
  assert.deepEqual(headerValues(parsed, 'content-length'), ['5'])
  assert.deepEqual(headerValues(parsed, 'x-a'), ['1'])
  assert.equal(body.bytes, 5)
  assert.deepEqual(res.misuse, [])
})

test('known length in pieces_the head leaves with the first', () => {
  const { res, body, events } = begin({ status: 206, headers: [length(10)] })
  body.write(Buffer.from('hello'))
  assert.equal(body.headWritten, true)
  assert.equal(body.complete, false)
  assert.equal(res.parse().status, 206)
  body.write(Buffer.from('world'))
  assert.deepEqual(events, ['complete'])
  assert.equal(res.parse().body.toString(), 'helloworld')
  body.end()
  assert.deepEqual(events, ['complete'])
})

test('known length 0_complete at once', () => {
  const { res, events } = begin({ headers: [length(0)] })
  assert.deepEqual(events, ['complete'])
  assert.deepEqual(headerValues(res.parse(), 'content-length'), ['0'])
})

test('length not known, one small piece and the end in one turn_one packet', async () => {
  const { res, body, events } = begin({ headers: [['x-a', '1']] })
  body.write(Buffer.from('hello'))
  assert.equal(body.headWritten, false, 'it waits for what the turn brings')
  body.end()
  assert.deepEqual(events, ['complete'])
  await turn()
  assert.equal(res.parse().body.toString(), 'hello')
  assert.ok(res.parse().complete)
  assert.deepEqual(res.misuse, [])
})

test('length not known, a small piece and then nothing_it leaves with the turn', async () => {
  const { res, body } = begin()
  body.write(Buffer.from('event'))
  await turn()
  assert.equal(res.parse().body.toString(), 'event')
  assert.equal(res.parse().complete, false)
})

test('length not known and no body_complete, length 0', () => {
  const { res, body, events } = begin({ headers: [['x-a', '1']] })
  body.end()
  assert.deepEqual(events, ['complete'])
  assert.deepEqual(headerValues(res.parse(), 'content-length'), ['0'])
  assert.deepEqual(headerValues(res.parse(), 'x-a'), ['1'])
})

const bodiless: [condition: string, setting: Setting, lengths: string[]][] = [
  ['HEAD with a length', { isHead: true, headers: [length(1234)] }, ['1234']],
  ['HEAD without', { isHead: true }, []],
  ['304 with a length', { status: 304, headers: [length(1234)] }, ['1234']],
  ['204, which must have none (RFC 9110, section 8.6)', { status: 204, headers: [length(0)] }, []],
]
for (const [condition, setting, lengths] of bodiless) {
  test(`${condition}_complete with the head`, () => {
    const { res, body, events } = begin(setting)
    assert.deepEqual(events, ['complete'])
    assert.equal(body.headWritten, true)
    const parsed = res.parse(true)
    assert.deepEqual(headerValues(parsed, 'content-length'), lengths)
    assert.equal(parsed.rest.length, 0)
    assert.deepEqual(res.misuse, [])
  })
}

const closing: [condition: string, setting: Setting, pieces: string[]][] = [
  ['known length in one piece', { headers: [length(5)] }, ['hello']],
  ['known length in pieces', { headers: [length(10)] }, ['hello', 'world']],
  ['known length 0', { headers: [length(0)] }, []],
  ['length not known, one piece', {}, ['hello']],
  ['length not known, pieces', {}, ['hello', 'world']],
  ['length not known, no body', {}, []],
]
for (const [condition, setting, pieces] of closing) {
  test(`close behind ${condition}_announced once, whole, and done`, async () => {
    const { res, body, events } = begin({ ...setting, close: true })
    for (const piece of pieces) {
      body.write(Buffer.from(piece))
      await turn()
    }
    if (!body.complete) body.end()
    assert.deepEqual(events, ['complete'])
    const parsed = res.parse()
    assert.equal(parsed.body.toString(), pieces.join(''))
    assert.ok(parsed.complete && parsed.rest.length === 0)
    assert.deepEqual(headerValues(parsed, 'connection'), ['close'])
    await waitFor(() => res.closedBy !== null, { what: 'the close' })
    assert.deepEqual(res.misuse, [])
  })
}

test('close behind pieces, the kernel full at any byte of the end_the client has all of it, late or not', async () => {
  for (const headers of [[], [length(2_000)]]) {
    const answer = async (kernelBytes?: number) => {
      const begun = begin({ headers, close: true, ...(kernelBytes === undefined ? {} : { kernelBytes }) })
      for (const piece of [Buffer.alloc(1_500), Buffer.alloc(500)]) {
        begun.body.write(piece)
        await turn()
      }
      begun.body.end()
      return begun
    }
    const whole = (await answer()).res.bytes.length
    for (let kernelBytes = whole - 600; kernelBytes <= whole; kernelBytes++) {
      const { res, body, events } = await answer(kernelBytes)
      while (res.read() > 0 || !body.complete) await turn()
      assert.deepEqual(events.slice(-1), ['complete'])
      const name = `room for ${kernelBytes - whole}`
      assert.ok(res.parse().complete && res.parse().rest.length === 0, name)
      assert.equal(res.receivedBytes.length, res.bytes.length, name)
    }
  }
})

test('close behind chunks, the kernel has taken some of the last piece_the client has all of it, however late', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout', 'setInterval'] })
  const answer = async (kernelBytes?: number) => {
    const begun = begin({ close: true, ...(kernelBytes === undefined ? {} : { kernelBytes }) })
    for (const piece of [bytes(20_000), bytes(9_000)]) {
      begun.body.write(piece)
      await turn()
    }
    begun.body.end()
    return begun
  }
  const whole = (await answer()).res.bytes.length
  // The end of the chunks and the byte before them nobody tells of.
  const untold = '\r\n1\r\nx\r\n0;x=": "\r\n\r\n'.length
  for (let kernelBytes = whole - 8_900; kernelBytes < whole - untold; kernelBytes += 31) {
    const { res, body, events } = await answer(kernelBytes)
    // Nothing is read for longer than the connection stays open by itself.
    t.mock.timers.tick(60_000)
    while (res.read() > 0 || !body.complete) await turn()
    assert.deepEqual(events.slice(-1), ['complete'])
    const name = `room for ${kernelBytes - whole}`
    assert.ok(res.parse().complete && res.parse().rest.length === 0, name)
    assert.equal(res.receivedBytes.length, res.bytes.length, name)
  }
})

const slow: [condition: string, setting: Setting][] = [
  ['length not known', { kernelBytes: 500 }],
  ['known length', { kernelBytes: 500, headers: [length(4_000)] }],
]
for (const [condition, setting] of slow) {
  test(`close behind pieces, ${condition}, the client was slow_announced, ended, and left to the client`, async () => {
    const { res, body, events } = begin({ ...setting, close: true })
    for (const piece of [Buffer.alloc(2_000), Buffer.alloc(2_000)]) {
      body.write(piece)
      await turn()
    }
    while (res.read() > 0) await turn()
    if (!body.complete) body.end()
    assert.deepEqual(events.slice(-1), ['complete'])
    assert.equal(res.done, true, 'the binding knows that it has ended')
    assert.deepEqual(headerValues(res.parse(), 'connection'), ['close'])
    assert.ok(res.parse().complete)
    assert.deepEqual(res.misuse, [])
  })
}

for (const [framing, headers] of [
  ['length not known', []],
  ['known length', [length(4_000)]],
] as const) {
  for (const [pace, kernelBytes] of [
    ['keeps up', Number.POSITIVE_INFINITY],
    ['is slow', 500],
  ] as const) {
    test(`close behind pieces, ${framing}, the client ${pace} and still sends_open while it does, closed when it has sent all, stopped, drips, or goes on for half a minute`, async (t) => {
      t.mock.timers.enable({ apis: ['setTimeout', 'setInterval'] })
      for (const ending of ['sent all', 'stopped', 'drips', 'goes on']) {
        const uploads = { coming: true, bytes: 1 }
        const { res, body, events } = begin({ headers, close: true, uploads, kernelBytes })
        for (const piece of [bytes(2_000), bytes(2_000)]) {
          body.write(piece)
          await turn()
        }
        for (let reads = 0; reads < 100 && !body.complete; reads++) {
          res.read()
          await turn()
          if (!body.complete && !body.blocked) body.end()
        }
        assert.deepEqual(events.slice(-1), ['complete'])
        for (let seconds = 0; seconds < 19; seconds++) {
          uploads.bytes += 20_000
          t.mock.timers.tick(1_000)
          res.read()
        }
        assert.equal(res.closedBy, null, 'a reset would take the answer away from the client')
        uploads.coming = ending !== 'sent all'
        for (let seconds = 0; seconds < (uploads.coming ? 11 : 2); seconds++) {
          if (ending === 'drips') uploads.bytes++
          if (ending === 'goes on') uploads.bytes += 20_000
          t.mock.timers.tick(1_000)
        }
        assert.equal(res.closedBy, 'close', ending)
        assert.deepEqual(headerValues(res.parse(), 'connection'), ['close'])
        assert.ok(res.parse().complete && res.parse().rest.length === 0)
        assert.equal(res.receivedBytes.length, res.bytes.length)
        assert.deepEqual(res.misuse, [])
      }
    })
  }
}

test('close behind pieces, the upload ends while the client is slow to take the last of them_closed, whatever else is uploaded then', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout', 'setInterval'] })
  const uploads = { coming: true, bytes: 1 }
  const { res, body } = begin({ headers: [length(4_000)], close: true, uploads, kernelBytes: 500 })
  body.write(bytes(2_000))
  body.write(bytes(2_000))
  assert.equal(body.blocked, true)
  uploads.coming = false
  for (let reads = 0; reads < 100 && !body.complete; reads++) {
    res.read()
    await turn()
  }
  assert.equal(body.complete, true)
  // The exchange is used again, and its upload with it.
  uploads.coming = true
  for (let seconds = 0; seconds < 10 && res.closedBy === null; seconds++) {
    uploads.bytes += 20_000
    t.mock.timers.tick(1_000)
    res.read()
  }
  assert.equal(res.closedBy, 'close')
  assert.ok(res.parse().complete)
  assert.deepEqual(res.misuse, [])
})

test('status other than 200_its line', () => {
  const { res, body } = begin({ status: 404, headers: [length(1)] })
  body.write(Buffer.from('x'))
  assert.equal(res.parse().statusLine, 'HTTP/1.1 404 Not Found')
})

test('header values above ASCII_the bytes of the endpoint', () => {
  const { res, body } = begin({ headers: [length(1)] })
  const block = new ResponseBlock()
  const raw = Buffer.from([0x63, 0x61, 0x66, 0xe9])
  block.read([Buffer.from('x-a'), raw, Buffer.from('x-b'), raw])
  body.reset()
  body.begin(res.native, 200, block, false, false)
  body.write(Buffer.from('x'))
  body.end()
  assert.deepEqual(headerValues(res.parse(), 'x-a'), ['caf\u00e9'])
  assert.deepEqual(headerValues(res.parse(), 'x-b'), ['caf\u00e9'])
})

test('client does not keep up, known length_blocked, then drained once it reads', () => {
  const total = 100_000
  const { res, body, events } = begin({ kernelBytes: 20_000, headers: [length(total)] })
  const data = bytes(total)
  assert.equal(body.write(data.subarray(0, 60_000)), false)
  assert.equal(body.blocked, true)
  assert.ok(body.bytes < 20_000, 'only what the kernel took counts')
  while (events.length === 0) assert.ok(res.read() > 0)
  assert.deepEqual(events, ['drained'])
  assert.equal(body.blocked, false)
  body.write(data.subarray(60_000))
  while (!events.includes('complete')) assert.ok(res.read() > 0)
  assert.equal(body.bytes, total)
  assert.deepEqual(res.parse().body, data)
  assert.deepEqual(res.misuse, [])
})

test('client does not take the last bytes_complete when it has', () => {
  const { res, body, events } = begin({ kernelBytes: 20_000, headers: [length(60_000)] })
  assert.equal(body.write(bytes(60_000)), false)
  while (body.blocked) assert.ok(res.read() > 0)
  assert.deepEqual(events, ['complete'], 'complete, and not drained as well')
})

test('client does not keep up, length not known_blocked, then drained, in pieces it can take', async () => {
  const { res, body, events } = begin({ kernelBytes: 20_000 })
  const data = bytes(60_000)
  assert.equal(body.write(data), false)
  for (let round = 0; round < 100 && events.length === 0; round++) {
    res.read()
    await turn()
  }
  assert.deepEqual(events, ['drained'])
  body.end()
  res.read()
  assert.deepEqual(res.parse().body, data)
  assert.equal(res.lostBytes, 0)
  assert.deepEqual(res.misuse, [])
})

test('end while blocked_comes behind what is pending', async () => {
  const { res, body, events } = begin({ kernelBytes: 20_000 })
  body.write(Buffer.from('small, and held back for this turn'))
  body.write(bytes(60_000))
  body.end()
  assert.deepEqual(events, [])
  for (let round = 0; round < 100 && events.length === 0; round++) {
    res.read()
    await turn()
  }
  assert.deepEqual(events, ['complete'])
  assert.ok(res.parse().complete)
})

for (const [condition, name, value] of [
  ['a long header name', 'x'.repeat(6_000), 'v'],
  ['a long header value', 'x', 'v'.repeat(13_900)],
] as const) {
  for (const framing of ['length', 'chunked'] as const) {
    test(`head with ${condition}, kernel full, ${framing}_nothing is lost`, async () => {
      // A client that reads late: what came before on this connection still fills the kernel's buffer.
      const data = bytes(14_000)
      const headers = [[name, value] as const, ...(framing === 'length' ? [length(14_000)] : [])]
      const { res, body, events } = begin({ kernelBytes: 5, headers })
      body.write(data)
      await turn()
      if (framing === 'chunked') body.end()
      for (let round = 0; round < 20_000 && events.at(-1) !== 'complete'; round++) {
        res.read()
        await turn()
      }
      while (res.read() > 0);
      assert.equal(res.lostBytes, 0)
      assert.deepEqual(headerValues(res.parse(), name), [value])
      assert.deepEqual(res.parse().body, data)
    })
  }
}

test('empty chunk_is no reason for an empty tryEnd', () => {
  const { res, body } = begin({ headers: [length(10)] })
  body.write(Buffer.alloc(0))
  body.write(Buffer.from('helloworld'))
  assert.deepEqual(res.misuse, [])
  assert.equal(res.parse().body.toString(), 'helloworld')
})

test('reset with a continuation on its way_does not touch the next response', async () => {
  const { res, body } = begin({ kernelBytes: 20_000 })
  body.write(bytes(60_000))
  res.read()
  // The client leaves between `onWritable` and what that has put off; the object serves another response.
  res.leave()
  body.reset()
  const total = 40_000
  const next = new FakeResponse({ kernelBytes: 100 })
  const block = new ResponseBlock()
  block.read([Buffer.from('content-length'), Buffer.from(String(total))])
  body.begin(next.native, 200, block, false, false)
  assert.equal(body.write(bytes(total).subarray(0, 20_000)), false)
  await turn()
  assert.equal(body.blocked, true, 'still blocked: the client has read nothing')
  while (body.blocked) assert.ok(next.read() > 0)
  body.write(bytes(total).subarray(20_000))
  while (next.read() > 0);
  assert.deepEqual(next.parse().body, bytes(total))
})

test('reset with a piece held back_it is not the next response\u2019s', async () => {
  const { body } = begin()
  body.write(Buffer.from('not for the next'))
  body.reset()
  const next = new FakeResponse()
  body.begin(next.native, 200, new ResponseBlock(), false, false)
  await turn()
  assert.equal(next.bytes.length, 0)
  body.write(Buffer.from('mine'))
  body.end()
  assert.equal(next.parse().body.toString(), 'mine')
})

for (const [framing, headers] of [
  ['known', [length(60_000)]],
  ['not known', []],
] as const) {
  test(`length ${framing}, blocked on a connection that is paused_a nudge finds the room that nobody tells of`, async () => {
    const { res, body, events } = begin({ headers, kernelBytes: 20_000 })
    res.pause()
    assert.equal(body.write(bytes(60_000)), false)
    res.pause()
    body.nudge()
    assert.deepEqual([body.blocked, events], [true, []], 'there is none')
    // The refused write has turned the writable event on again.
    res.pause()
    while (body.blocked) {
      assert.ok(res.read() > 0)
      await turn()
      assert.equal(body.blocked, true, 'nobody tells')
      body.nudge()
      if (body.blocked) res.pause()
    }
    assert.deepEqual(events, [framing === 'known' ? 'complete' : 'drained'])
    body.end()
    assert.ok(res.parse().body.equals(bytes(60_000)))
    assert.deepEqual([res.misuse, res.lostBytes], [[], 0])
  })
}

test('not blocked, or complete_a nudge does nothing', () => {
  const { res, body } = begin({ headers: [length(10)] })
  body.nudge()
  assert.equal(res.bytes.length, 0)
  body.write(Buffer.from('0123456789'))
  const written = res.bytes
  body.nudge()
  assert.deepEqual([res.bytes.equals(written), res.misuse], [true, []])
})

test('paused before anything waited, resumed while something does_the connection can still be read and written', async () => {
  const { res, body, events } = begin({ kernelBytes: 1_000 })
  res.pause()
  body.write(bytes(16_000))
  await turn()
  assert.ok(body.blocked)
  res.resume()
  assert.deepEqual(res.misuse, [])
  while (res.read() > 0) await turn()
  assert.deepEqual(events, ['drained'])
})
