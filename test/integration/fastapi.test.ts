/** End to end with FastAPI on uvicorn, from Debian's python3-fastapi and python3-uvicorn. */
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { runLoad } from '../support/load.ts'
import { unusedPort } from '../support/origin.ts'
import { upstreamOf } from '../support/proxied.ts'
import { fetchRaw, RawClient } from '../support/raw-client.ts'
import { waitFor } from '../support/wait.ts'
import { startWeir } from '../support/weir.ts'

const python = '/usr/bin/python3'

/** Why the test cannot run here, or false. */
function missing(): string | false {
  if (!existsSync(python)) return `${python} is not installed`
  const found = spawnSync(python, ['-c', 'import fastapi, uvicorn'], { encoding: 'utf8' })
  if (found.status === 0) return false
  return `install python3-fastapi and python3-uvicorn: ${found.stderr.trim().split('\n').at(-1)}`
}

async function startFastapi(t: TestContext): Promise<{ url: string }> {
  const port = await unusedPort()
  const child = spawn(python, [join(import.meta.dirname, 'fastapi_app.py'), String(port)], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let stderr = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  t.after(async () => {
    if (child.exitCode !== null) return
    const exit = once(child, 'exit')
    child.kill('SIGKILL')
    await exit
  })
  const accepts = () =>
    RawClient.connect(port).then(
      (client) => {
        client.close()
        return true
      },
      () => false,
    )
  await waitFor(async () => child.exitCode !== null || (await accepts()), {
    what: () => `uvicorn to listen\n${stderr}`,
    timeoutMs: 30_000,
    everyMs: 50,
  })
  assert.equal(child.exitCode, null, stderr)
  return { url: `http://127.0.0.1:${port}` }
}

test('FastAPI behind Weir: JSON both ways, streams, uploads, headers', { skip: missing() }, async (t) => {
  const weir = await startWeir(t, { upstreams: { app: upstreamOf([await startFastapi(t)]) } })
  const json = async (request: Parameters<typeof fetchRaw>[1]) => {
    const answer = await fetchRaw(weir.port, request)
    assert.match(answer.header('content-type') ?? '', /^application\/json/)
    return { status: answer.status, body: JSON.parse(answer.text) }
  }

  assert.deepEqual(await json({ target: '/items/caf%C3%A9?q=a%26b' }), {
    status: 200,
    body: { item: 'café', q: 'a&b' },
  })
  assert.equal((await json({ target: '/items' })).status, 404)

  const order = { name: 'tea', count: 3, note: 'süß' }
  const posted = await json({
    method: 'POST',
    target: '/orders',
    headers: [['Content-Type', 'application/json']],
    body: JSON.stringify(order),
  })
  assert.deepEqual(posted, { status: 201, body: { received: order } })

  const streamed = await fetchRaw(weir.port, { target: '/stream?lines=20000' })
  assert.deepEqual(streamed.headers('transfer-encoding'), ['chunked'])
  assert.equal(streamed.text, Array.from({ length: 20_000 }, (_, n) => `line ${n}\n`).join(''))

  const piece = Buffer.alloc(100_000, 'x')
  for (const body of [Buffer.concat(Array(30).fill(piece)), Array<Buffer>(30).fill(piece)]) {
    assert.deepEqual((await json({ method: 'PUT', target: '/length', body })).body, { bytes: 3_000_000 })
  }

  const seen = (
    await json({
      target: '/headers',
      headers: [
        ['Host', 'shop.example'],
        ['X-A', '1'],
        ['X-A', '2'],
      ],
    })
  ).body
  const received = seen.headers as [string, string][]
  const values = (name: string) => received.filter(([key]) => key === name).map(([, value]) => value)
  assert.deepEqual(values('host'), ['shop.example'])
  assert.deepEqual(values('x-forwarded-for'), ['127.0.0.1'])
  assert.deepEqual(values('x-forwarded-proto'), ['http'])
  assert.deepEqual(values('x-a'), ['1', '2'])

  const load = await runLoad({
    port: weir.port,
    connections: 8,
    requests: 400,
    request: (n) => ({ target: `/items/${n}` }),
  })
  assert.deepEqual([load.statuses, load.errors], [{ 200: 400 }, {}])
  await weir.atRest()
})
