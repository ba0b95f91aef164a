/** What Weir knows of Node's handles, looked for in the Node that runs. */
import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { type Handle, handleOf, takeReads, writeLatin1 } from '../../../src/native/socket-handle.ts'
import { waitFor } from '../../support/wait.ts'

const buffer = Buffer.alloc(65_536)

async function pair(t: TestContext): Promise<{ socket: Socket; handle: Handle; server: Socket }> {
  const server = createServer({ noDelay: true })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const accepted = once(server, 'connection') as Promise<[Socket]>
  const { port } = server.address() as { port: number }
  const unexpected = () => assert.fail('read by the socket itself')
  const socket = connect({ port, host: '127.0.0.1', onread: { buffer, callback: unexpected } })
  await once(socket, 'connect')
  const [peer] = await accepted
  peer.on('error', () => {})
  t.after(() => {
    socket.destroy()
    peer.destroy()
    server.close()
  })
  const handle = handleOf(socket)
  assert.ok(handle !== null, 'this Node has another kind of handle: heads go the long way')
  return { socket, handle, server: peer }
}

test('reads_are told with their length, and the bytes are in the buffer', async (t) => {
  const { handle, server } = await pair(t)
  let text = ''
  takeReads(handle, (bytes) => {
    text += buffer.latin1Slice(0, bytes)
    return true
  })
  server.write('one')
  await waitFor(() => text === 'one', { what: 'the first bytes' })
  server.write('two')
  await waitFor(() => text === 'onetwo', { what: 'the others' })
})

test('a reader that says false_is told nothing until the socket is resumed', async (t) => {
  const { socket, handle, server } = await pair(t)
  let text = ''
  let room = false
  takeReads(handle, (bytes) => {
    text += buffer.latin1Slice(0, bytes)
    return room
  })
  server.write('one')
  await waitFor(() => text === 'one', { what: 'the first bytes' })
  // They are with the kernel on this side when the other one has got an answer to something behind them.
  await new Promise<void>((resolve) => server.write('two', () => resolve()))
  await new Promise((resolve) => setImmediate(resolve))
  assert.equal(text, 'one')
  room = true
  socket.resume()
  await waitFor(() => text === 'onetwo', { what: 'the others' })
})

test('the end of the connection_is told by the socket', async (t) => {
  const { socket, handle, server } = await pair(t)
  takeReads(handle, () => true)
  const ended = once(socket, 'end')
  server.end('bye')
  await ended
})

test('written at once, and in order behind what the kernel has not taken yet', async (t) => {
  const { handle, server } = await pair(t)
  server.pause()
  const failed = (error: Error) => assert.fail(error)
  const piece = 'x'.repeat(1 << 20)
  for (let count = 0; count < 16; count++) writeLatin1(handle, piece, failed)
  writeLatin1(handle, 'end\xe9', failed)
  let bytes = 0
  let last = ''
  server.on('data', (chunk: Buffer) => {
    bytes += chunk.length
    last = (last + chunk.toString('latin1')).slice(-4)
  })
  server.resume()
  await waitFor(() => bytes === 16 * piece.length + 4, { what: 'all of it' })
  assert.equal(last, 'end\xe9')
})

test('the connection is gone_the error is told', async (t) => {
  const { socket, handle } = await pair(t)
  const errors: Error[] = []
  socket.destroy()
  await once(socket, 'close')
  writeLatin1(handle, 'late', (error) => errors.push(error))
  assert.match(String(errors[0]), /write E/)
})
