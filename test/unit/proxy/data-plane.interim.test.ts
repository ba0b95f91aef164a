/** Interim responses whose heads come in pieces, through undici's parser. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { EndpointSocket } from '../../../src/proxy/endpoint-socket.ts'
import { endpointPlan, upstreamPlan } from '../../support/fakes/plans.ts'
import { restOf, runDataPlane } from '../../support/fakes/running-data-plane.ts'
import { RawClient } from '../../support/raw-client.ts'
import { waitFor } from '../../support/wait.ts'

/** How many bytes the worker has read from endpoints. */
function countReads(t: TestContext): { bytes: number } {
  const count = { bytes: 0 }
  const read = EndpointSocket.prototype.read
  t.mock.method(EndpointSocket.prototype, 'read', function (this: EndpointSocket) {
    const chunk = read.call(this)
    count.bytes += chunk?.length ?? 0
    return chunk
  })
  return count
}

const heads = 'HTTP/1.1 100 Continue\r\nA: b\r\n\r\nHTTP/1.1 103 E\r\nLink: </a>\r\n\r\nHTTP/1.1 100\r\n\r\n'
const final = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'

test('cut at every byte_the answer is the final one, on one connection all the time', async (t) => {
  const count = countReads(t)
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const sockets: Socket[] = []
  let cut = 0
  server.on('connection', (socket) => {
    sockets.push(socket)
    socket.setNoDelay().on('error', () => {})
    socket.on('data', () => void answer(socket))
  })
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const answer = async (socket: Socket) => {
    const before = count.bytes
    socket.write(heads.slice(0, cut))
    await waitFor(() => count.bytes === before + cut || socket.closed, { what: 'the first piece to be read' })
    socket.write(heads.slice(cut) + final)
  }
  const { port } = server.address() as AddressInfo
  const { proxy, port: weir } = runDataPlane(t, {
    upstreams: [upstreamPlan({ endpoints: [endpointPlan('a', port)] })],
  })
  const client = await RawClient.connect(weir)
  t.after(() => client.close())
  for (cut = 0; cut <= heads.length; cut++) {
    const response = await client.exchange()
    assert.deepEqual([response.status, response.text], [200, 'ok'], `cut at ${cut}`)
    assert.deepEqual(
      response.interim.map(({ startLine }) => startLine),
      ['HTTP/1.1 103 Early Hints'],
      `cut at ${cut}`,
    )
  }
  assert.equal(sockets.length, 1)
  await restOf(proxy)
})
