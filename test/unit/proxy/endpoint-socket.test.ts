/** Against real servers, read as undici's parser reads it. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { copyPiece, giveBack, handOver } from '../../../src/proxy/body/piece.ts'
import { EndpointSocket, flushHeads, holdHeads } from '../../../src/proxy/endpoint-socket.ts'
import { waitFor } from '../../support/wait.ts'

interface Arrangement {
  readonly socket: EndpointSocket
  readonly server: Socket
  readonly reading: { reader: { resume(): void } | null; inFlight: number; served: number; isHttp10: boolean }
}

async function listening(t: TestContext, allowHalfOpen = false): Promise<Server> {
  const server = createServer({ noDelay: true, allowHalfOpen })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  return server
}

function portOf(server: Server): number {
  return (server.address() as { port: number }).port
}

async function connected(t: TestContext): Promise<Arrangement> {
  const server = await listening(t)
  const reading: Arrangement['reading'] = { reader: null, inFlight: 0, served: 0, isHttp10: false }
  const accepted = once(server, 'connection') as Promise<[Socket]>
  const socket = await new Promise<EndpointSocket>((resolve, reject) => {
    new EndpointSocket({ host: '127.0.0.1', port: portOf(server) }, 5_000, reading, (error, opened) =>
      opened === null ? reject(error) : resolve(opened),
    )
  })
  const [peer] = await accepted
  peer.on('error', () => {})
  t.after(() => {
    socket.destroy()
    peer.destroy()
  })
  return { socket, server: peer, reading }
}

/** Everything that is read, as text; copied at once, as whoever keeps bytes must. */
function collect(socket: EndpointSocket): { text: string } {
  const collected = { text: '' }
  socket.on('readable', () => {
    for (let chunk = socket.read(); chunk !== null; chunk = socket.read())
      collected.text += chunk.latin1Slice()
  })
  return collected
}

test('nobody listens there_the error is called back, once', async (t) => {
  const server = await listening(t)
  const port = portOf(server)
  await new Promise((resolve) => server.close(resolve))
  const results: (Error | null)[] = []
  const reading = { reader: null, inFlight: 0, served: 0, isHttp10: false }
  const socket = new EndpointSocket({ host: '127.0.0.1', port }, 5_000, reading, (error) =>
    results.push(error),
  )
  await waitFor(() => results.length > 0, { what: 'the refusal' })
  await new Promise((resolve) => setImmediate(resolve))
  assert.deepEqual(
    results.map((error) => (error as NodeJS.ErrnoException).code),
    ['ECONNREFUSED'],
  )
  assert.ok(socket.destroyed)
})

test('given up while connecting_called back with an error', async (t) => {
  const server = await listening(t)
  const results: (Error | null)[] = []
  const reading = { reader: null, inFlight: 0, served: 0, isHttp10: false }
  const target = { host: '127.0.0.1', port: portOf(server) }
  new EndpointSocket(target, 0, reading, (error) => results.push(error)).destroy()
  await waitFor(() => results.length > 0, { what: 'the end' })
  assert.match(String(results[0]), /closed before/)
})

test('chunks_read in order, through one buffer for all sockets', async (t) => {
  const first = await connected(t)
  const second = await connected(t)
  const [a, b] = [collect(first.socket), collect(second.socket)]
  for (let round = 0; round < 50; round++) {
    first.server.write(`a${round};`)
    second.server.write(`b${round};`)
    await waitFor(() => a.text.endsWith(`a${round};`) && b.text.endsWith(`b${round};`), {
      what: 'both pieces',
    })
  }
  assert.equal(a.text, Array.from({ length: 50 }, (_, round) => `a${round};`).join(''))
})

test('not read_held, copied, and the kernel is not asked for more', async (t) => {
  const { socket, server } = await connected(t)
  const other = await connected(t)
  server.write('held')
  await once(socket, 'readable')
  server.write(' back')
  // Overwrites the shared buffer.
  const overwritten = collect(other.socket)
  other.server.write('XXXXXXXXXX')
  await waitFor(() => overwritten.text.length === 10, { what: 'the other socket to be read' })
  assert.equal(socket.read()?.latin1Slice(), 'held')
  const rest = collect(socket)
  assert.equal(socket.read(), null)
  await waitFor(() => rest.text === ' back', { what: 'the rest' })
})

test('put back by a parser that paused_comes first, and is a copy', async (t) => {
  const { socket, server } = await connected(t)
  server.write('paused here')
  await once(socket, 'readable')
  const chunk = socket.read() as Buffer
  socket.unshift(chunk.subarray(6))
  chunk.fill('X')
  assert.equal(socket.read()?.latin1Slice(), ' here')
})

test('whenParsed_done behind the read that is under way, and only then', async (t) => {
  const { socket, server } = await connected(t)
  const order: string[] = []
  socket.on('readable', () => {
    socket.read()
    assert.equal(
      socket.whenParsed(() => order.push('act')),
      true,
    )
    order.push('parsed')
  })
  assert.equal(
    socket.whenParsed(() => order.push('never')),
    false,
  )
  server.write('x')
  await waitFor(() => order.length > 1, { what: 'the read' })
  assert.deepEqual(order, ['parsed', 'act'])
})

test('100 Continue where a head is expected_109, and within a body as it is', async (t) => {
  const { socket, server, reading } = await connected(t)
  const all = collect(socket)
  server.write('HTTP/1.1 100 Continue\r\n\r\n')
  await waitFor(() => all.text.length === 25, { what: 'the head' })
  reading.reader = { resume: () => {} }
  server.write('HTTP/1.1 100 Continue\r\n\r\n')
  await waitFor(() => all.text.length === 50, { what: 'the body' })
  assert.equal(all.text, 'HTTP/1.1 109 Continue\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n')
})

test('heads and bodies_arrive in the order of their writes, held or not', async (t) => {
  const { socket, server } = await connected(t)
  let received = ''
  server.on('data', (bytes: Buffer) => {
    received += bytes.latin1Slice()
  })
  socket.write('head é\r\n', 'latin1')
  holdHeads()
  socket.write('held 1\r\n', 'latin1')
  socket.write('held 2\r\n', 'latin1')
  flushHeads()
  holdHeads()
  socket.write('held 3\r\n', 'latin1')
  socket.cork()
  socket.write('with its body\r\n', 'latin1')
  socket.write(Buffer.from('body\r\n'))
  socket.uncork()
  flushHeads()
  socket.write('last\r\n', 'latin1')
  const expected = 'head é\r\nheld 1\r\nheld 2\r\nheld 3\r\nwith its body\r\nbody\r\nlast\r\n'
  await waitFor(() => received.length === expected.length, { what: 'all of it' })
  assert.equal(received, expected)
})

test('more than the kernel takes at once_arrives whole and in order', async (t) => {
  const { socket, server } = await connected(t)
  server.pause()
  const pieces = Array.from({ length: 40 }, (_, index) =>
    String.fromCharCode(65 + (index % 26)).repeat(500_000),
  )
  for (const [index, piece] of pieces.entries()) {
    if (index % 3 === 2) socket.write(Buffer.from(piece))
    else socket.write(piece, 'latin1')
  }
  let bytes = 0
  let at = 0
  server.on('data', (chunk: Buffer) => {
    for (const byte of [chunk[0], chunk.at(-1)]) assert.ok(byte !== undefined && byte >= 65)
    bytes += chunk.length
    for (; at < bytes; at += 100_000) {
      const from = at - (bytes - chunk.length)
      if (from >= 0) assert.equal(chunk[from], pieces[Math.floor(at / 500_000)]?.charCodeAt(0))
    }
  })
  server.resume()
  await waitFor(() => bytes === 20_000_000, { what: 'all of it' })
})

/** As undici writes a head and a piece of a body. */
function writeBoth(socket: EndpointSocket, head: string, piece: Buffer): boolean {
  socket.cork()
  if (head !== '') socket.write(head, 'latin1')
  const more = socket.write(piece)
  socket.uncork()
  return more
}

/** A piece that was handed over and given back; its memory is used again once it is taken. */
function lent(bytes: number, letter: string): Buffer {
  const piece = copyPiece(new Uint8Array(bytes).fill(letter.charCodeAt(0)).buffer)
  handOver(piece)
  giveBack(piece)
  return piece
}

test('head and piece that the kernel takes_true, in one write, and the memory is used again', async (t) => {
  const { socket, server } = await connected(t)
  const received: string[] = []
  server.on('data', (bytes: Buffer) => received.push(bytes.latin1Slice()))
  const piece = lent(5_000, 'p')
  assert.equal(writeBoth(socket, 'head ', piece), true)
  assert.equal(socket.writableNeedDrain, false)
  assert.equal(lent(5_000, 'q').buffer, piece.buffer)
  await waitFor(() => received.join('').length === 5_005, { what: 'both' })
  assert.equal(received.join(''), `head ${'p'.repeat(5_000)}`)
})

test('pieces that the kernel does not take_false until it has: drain, everything in order, memory used again only then', async (t) => {
  const { socket, server } = await connected(t)
  server.pause()
  const letters = 'abcdefghijklmnopqrstuvwxyz'
  const sent: string[] = []
  let outstanding: Buffer | undefined
  while (outstanding === undefined) {
    const letter = letters[sent.length % 26] as string
    const piece = lent(131_072, letter)
    sent.push(letter)
    if (!writeBoth(socket, letter.toUpperCase(), piece)) outstanding = piece
  }
  assert.ok(socket.writableNeedDrain)
  const held = outstanding.buffer
  assert.ok(
    Array.from({ length: 200 }, () => copyPiece(new ArrayBuffer(131_072))).every(
      ({ buffer }) => buffer !== held,
    ),
  )
  let drained = false
  socket.on('drain', () => {
    drained = true
    assert.equal(socket.writableNeedDrain, false)
  })
  // What is written meanwhile comes behind.
  socket.write('text', 'latin1')
  const hash = { text: '' }
  server.on('data', (bytes: Buffer) => {
    // Runs of a letter in few characters: all of it would be tens of millions.
    for (const [run] of bytes.latin1Slice().matchAll(/(.)\1*/g)) {
      if (hash.text.at(-1) !== run[0]) hash.text += run[0]
    }
  })
  server.resume()
  const expected = `${sent.map((letter) => `${letter.toUpperCase()}${letter}`).join('')}text`
  await waitFor(() => hash.text.endsWith('text'), { what: 'all of it' })
  assert.equal(hash.text, expected)
  await waitFor(() => drained, { what: 'the drain' })
  const next = Array.from({ length: 200 }, () => copyPiece(new ArrayBuffer(131_072)))
  assert.ok(next.some(({ buffer }) => buffer === held))
})

test('the connection breaks under a piece_its memory is not used again', async (t) => {
  const { socket, server } = await connected(t)
  server.pause()
  let outstanding: Buffer | undefined
  while (outstanding === undefined) {
    const piece = lent(131_072, 'x')
    if (!writeBoth(socket, '', piece)) outstanding = piece
  }
  let closed = false
  socket.on('close', () => {
    closed = true
  })
  server.resetAndDestroy()
  await waitFor(() => closed, { what: 'the end' })
  await new Promise((resolve) => setImmediate(resolve))
  const next = Array.from({ length: 300 }, () => copyPiece(new ArrayBuffer(131_072)))
  assert.ok(next.every(({ buffer }) => buffer !== outstanding?.buffer))
})

test('text that waits in the net.Socket_pieces behind it keep the order, and are told as taken', async (t) => {
  const { socket, server } = await connected(t)
  server.pause()
  // Not latin1: it takes the net.Socket's way, and fills the kernel.
  const text = 'ü'.repeat(8_000_000)
  socket.write(text, 'utf8')
  const piece = lent(5_000, 'p')
  writeBoth(socket, 'head', piece)
  let bytes = 0
  let tail = ''
  server.on('data', (chunk: Buffer) => {
    bytes += chunk.length
    tail = (tail + chunk.subarray(-5_004).latin1Slice()).slice(-5_004)
  })
  server.resume()
  await waitFor(() => bytes === 16_005_004, { what: 'all of it' })
  assert.equal(tail, `head${'p'.repeat(5_000)}`)
  await waitFor(() => copyPiece(new ArrayBuffer(5_000)).buffer === piece.buffer, { what: 'the memory' })
})

test('the server ends_told the reader first, then end and close', async (t) => {
  const { socket, server, reading } = await connected(t)
  const told: string[] = []
  reading.reader = { resume: () => told.push('resume') }
  for (const event of ['end', 'close']) socket.on(event, () => told.push(event))
  server.end()
  await waitFor(() => told.includes('end'), { what: 'the end' })
  socket.destroy()
  await waitFor(() => told.includes('close'), { what: 'the close' })
  assert.deepEqual(told, ['resume', 'end', 'close'])
})

test('reset under a response_an error that undici does not ask its parser about', async (t) => {
  const { socket, server, reading } = await connected(t)
  reading.reader = { resume: () => {} }
  const errored = once(socket, 'error') as Promise<[NodeJS.ErrnoException]>
  server.resetAndDestroy()
  assert.equal((await errored)[0].code, 'ECONNABORTED')
  assert.ok(socket.destroyed)
})

test('written to after it is gone_no error is thrown', async (t) => {
  const { socket, server } = await connected(t)
  let closed = false
  socket.on('close', () => {
    closed = true
  })
  server.resetAndDestroy()
  await waitFor(() => closed, { what: 'the end' })
  assert.doesNotThrow(() => socket.write('late', 'latin1'))
})
