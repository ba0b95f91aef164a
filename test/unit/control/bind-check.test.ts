import assert from 'node:assert/strict'
import { type AddressInfo, createServer, Server } from 'node:net'
import { type TestContext, test } from 'node:test'
import { BindError, checkBind } from '../../../src/control/bind-check.ts'
import { unusedPort } from '../../support/origin.ts'

const host = '127.0.0.1'

/** Why it cannot be bound, in the words for the user. */
async function refusal(listener: { host: string; port: number }): Promise<string> {
  try {
    await checkBind(listener)
  } catch (error) {
    assert.ok(error instanceof BindError, String(error))
    return error.message
  }
  return assert.fail('it was bound')
}

test('port free_the same listener, and free again afterwards', async () => {
  const port = await unusedPort()
  assert.deepEqual(await checkBind({ host, port }), { host, port })
  assert.deepEqual(await checkBind({ host, port }), { host, port })
})

test('port 0_the port that the kernel gave', async () => {
  const { port } = await checkBind({ host, port: 0 })
  assert.ok(port > 0)
})

test('port taken_says which, why, and what to do', async (t) => {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, host, resolve))
  t.after(() => server.close())
  const { port } = server.address() as AddressInfo
  const message = await refusal({ host, port })
  assert.match(
    message,
    new RegExp(`^cannot listen on 127\\.0\\.0\\.1:${port}: the port is taken \\(EADDRINUSE\\)`),
  )
  assert.match(message, /change "listen" in the configuration$/)
})

test('port shared with a socket of our own_no obstacle where that is said, unlike one that is not shared', async (t) => {
  const listening = async (reusePort: boolean): Promise<number> => {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen({ port: 0, host, reusePort }, resolve))
    t.after(() => server.close())
    return (server.address() as AddressInfo).port
  }
  const port = await listening(true)
  assert.match(await refusal({ host, port }), /taken/)
  assert.deepEqual(await checkBind({ host, port }, true), { host, port })
  const taken = await listening(false)
  await assert.rejects(checkBind({ host, port: taken }, true), BindError)
})

test('address of another machine_says so', async () => {
  assert.match(await refusal({ host: '203.0.113.1', port: 8080 }), /203\.0\.113\.1:8080: .*\(EADDRNOTAVAIL\)/)
})

test('name that does not resolve_says so', async () => {
  assert.match(
    await refusal({ host: 'no-such-host.invalid', port: 8080 }),
    /the name does not resolve \((ENOTFOUND|EAI_AGAIN)\)/,
  )
})

test('IPv6 address_in brackets, so that the port can be told from it', async () => {
  assert.match(await refusal({ host: '2001:db8::1', port: 8080 }), /^cannot listen on \[2001:db8::1\]:8080: /)
})

/** The kernel says no, whatever is asked of it: some refusals cannot be had in every place that tests run in. */
function refuse(t: TestContext, code: string): void {
  t.mock.method(Server.prototype, 'listen', function (this: Server) {
    process.nextTick(() => this.emit('error', Object.assign(new Error(`listen ${code}`), { code })))
    return this
  })
}

test('port that only root may have_says so', async (t) => {
  refuse(t, 'EACCES')
  assert.match(
    await refusal({ host, port: 80 }),
    /127\.0\.0\.1:80: not permitted \(EACCES\).*CAP_NET_BIND_SERVICE/,
  )
})

test('any other refusal_the words of the system', async (t) => {
  refuse(t, 'EMFILE')
  assert.equal(await refusal({ host, port: 80 }), 'cannot listen on 127.0.0.1:80: listen EMFILE')
})
