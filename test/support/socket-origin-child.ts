/** A WebSocket server in a process of its own, so that many sockets do not share the test's file descriptors. Echoes. */
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { WebSocketServer } from 'ws'

const server = new WebSocketServer({ port: 0, host: '127.0.0.1', backlog: 4_096 })
server.on('connection', (socket) => {
  socket.on('message', (data, binary) => socket.send(data, { binary }))
  socket.on('error', () => undefined)
})
process.on('disconnect', () => process.exit())
await once(server, 'listening')
process.send?.((server.address() as AddressInfo).port)
