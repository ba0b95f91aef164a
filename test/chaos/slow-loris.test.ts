/** Two thousand clients that never finish their request's head: everybody else is served as if they were not there. */
import assert from 'node:assert/strict'
import { connect, type Socket } from 'node:net'
import { test } from 'node:test'
import { ok } from '../support/origin-behaviours.ts'
import { isAlive, rssBytes } from '../support/process-info.ts'
import { proxied } from '../support/proxied.ts'
import { within } from '../support/wait.ts'

const attackers = 2_000
const servedWithinMs = 100
const drip = 'GET / HTTP/1.1\r\nhost: test\r\nx-slow: '

test(`${attackers} slow-loris connections: an ordinary client is served while all of them are open`, async (t) => {
  const all = await proxied(t, ok('served'))
  const pid = all.weir.workerPid()
  assert.equal((await all.fetch()).text, 'served')
  const before = rssBytes(pid)

  const crowd = new Crowd(all.weir.port)
  t.after(() => crowd.leave())
  await crowd.open(attackers)
  await all.weir.waitForStats((sum) => sum.connections >= attackers, 'all attackers connected')

  // Served on new connections and on a kept one, while the attackers are there.
  const took: number[] = []
  for (let round = 0; round < 10; round++) {
    const client = await all.connect()
    for (let i = 0; i < 2; i++) {
      const from = performance.now()
      assert.equal((await client.exchange()).text, 'served')
      took.push(performance.now() - from)
    }
    client.close()
  }
  took.sort((a, b) => a - b)
  t.diagnostic(`20 ordinary requests took ${took.map((ms) => ms.toFixed(1)).join(', ')} ms`)
  // Of the slowest a busy machine says more about itself. Where the crowd is in the way, nobody is quick.
  assert.ok(took[9]! < servedWithinMs, `half of the requests took longer than ${servedWithinMs} ms`)
  const [stats] = await all.weir.waitForStats(
    (sum) => sum.connections >= attackers,
    'all attackers still there',
  )
  assert.equal(stats!.inFlight, 0, 'an unfinished head is no request')
  t.diagnostic(`the worker grew by ${Math.round((rssBytes(pid) - before) / 1024)} KiB for ${attackers} heads`)

  crowd.leave()
  await all.weir.waitForStats((sum) => sum.connections === 0 && sum.inFlight === 0, 'nothing left')
  assert.equal((await all.fetch()).text, 'served')
  assert.ok(isAlive(pid))
  assert.equal(all.origin.count, 22, 'nothing of an attacker came through')
})

test('a slow-loris head is cut by the binding, however steadily it drips', async (t) => {
  const all = await proxied(t, ok())
  const client = connect({ port: all.weir.port, host: '127.0.0.1' })
  const timer = setInterval(() => client.write('x'), 500)
  t.after(() => {
    clearInterval(timer)
    client.destroy()
  })
  const ended = new Promise<void>((resolve) => {
    client.once('close', () => resolve())
  })
  client.on('error', () => undefined).resume()
  client.write(drip)
  await within(ended, 60_000, 'the end of the connection')
  await all.weir.waitForStats((sum) => sum.connections === 0, 'no connection left')
  assert.equal(all.origin.count, 0)
})

/** Attackers that send a byte of header a second, and come back when they are thrown out. */
class Crowd {
  readonly #port: number
  readonly #sockets = new Set<Socket>()
  #here = true
  readonly #timer = setInterval(() => {
    for (const socket of this.#sockets) socket.write('x')
  }, 1_000)

  constructor(port: number) {
    this.#port = port
  }

  /** @returns when this many are connected; in steps, so that the kernel's backlog holds them */
  async open(count: number): Promise<void> {
    for (let left = count; left > 0; left -= 200) {
      await Promise.all(Array.from({ length: Math.min(left, 200) }, () => this.#attack()))
    }
  }

  leave(): void {
    this.#here = false
    clearInterval(this.#timer)
    for (const socket of this.#sockets) socket.destroy()
  }

  #attack(): Promise<void> {
    const socket = connect({ port: this.#port, host: '127.0.0.1' })
    socket.on('error', () => undefined).resume()
    socket.on('close', () => {
      this.#sockets.delete(socket)
      if (this.#here) void this.#attack()
    })
    return new Promise((resolve) => {
      socket.once('connect', () => {
        this.#sockets.add(socket)
        socket.write(drip)
        resolve()
      })
    })
  }
}
