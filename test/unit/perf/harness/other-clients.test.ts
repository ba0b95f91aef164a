import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { findGenerator, generatorNames } from '../../../../perf/harness/load.ts'
import { withOtherClients } from '../../../../perf/harness/other-clients.ts'
import { Processes, which } from '../../../../perf/harness/processes.ts'
import type { Running } from '../../../../perf/harness/running.ts'
import { putUnderLoad } from '../../../../perf/harness/turn.ts'
import { small } from '../../../../perf/scenarios/routes.ts'
import { waitFor } from '../../../support/wait.ts'

const folder = mkdtempSync(join(tmpdir(), 'weir-test-'))
after(() => rmSync(folder, { recursive: true }))

async function server(t: { after: (work: () => void) => void }) {
  const open = new Set<Socket>()
  const from = new Map<string, number>()
  const http = createServer((request, response) => {
    const address = request.socket.remoteAddress!
    from.set(address, (from.get(address) ?? 0) + 1)
    response.end('ok')
  })
  http.on('connection', (socket) => {
    open.add(socket)
    socket.once('close', () => open.delete(socket))
  })
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    http.closeAllConnections()
    http.close()
  })
  return { url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`, open, from }
}

const skip = process.platform === 'linux' ? false : 'other systems know no 127.0.0.2'

test('a connection from each address stands_while something is done, and no longer', { skip }, async (t) => {
  const { url, open, from } = await server(t)
  const load = { path: '/', otherClients: ['127.0.0.2', '127.0.0.3'] }
  const done = await withOtherClients(load, url, async () => {
    assert.deepEqual([...open].map((socket) => socket.remoteAddress).sort(), ['127.0.0.2', '127.0.0.3'])
    return 'done'
  })
  assert.equal(done, 'done')
  assert.deepEqual(
    [...from],
    [
      ['127.0.0.2', 1],
      ['127.0.0.3', 1],
    ],
  )
  await waitFor(() => open.size === 0, { what: 'both to be closed' })
  assert.equal(await withOtherClients({ path: '/' }, url, async () => open.size), 0)
})

test('an address that is not this machine’s is_named', async (t) => {
  const { url } = await server(t)
  // Of documentation (RFC 5737).
  const load = { path: '/', otherClients: ['192.0.2.1'] }
  await assert.rejects(
    withOtherClients(load, url, async () => assert.fail('it has no answer')),
    /a client at 192\.0\.2\.1 had no answer: .*EADDRNOTAVAIL/,
  )
})

for (const name of generatorNames) {
  const without = name === 'wrk' && which('wrk') === null ? 'wrk is not installed' : skip
  test(`under load of ${name} a subject sees_both addresses`, { skip: without }, async (t) => {
    const { url, from } = await server(t)
    const processes = new Processes()
    t.after(() => processes.stopAll())
    const load = { ...small.load, connections: 2, varied: 10, otherClients: ['127.0.0.2'] }
    const row = { name: 'two', baseline: 'two', subject: 'weir', scenario: { ...small, load } }
    const bench = { processes, folder, cores: () => null, weir: '', allocation: false }
    const running = { url, behind: [], child: { pid: 0 } } as unknown as Running
    const { requests } = await putUnderLoad(bench, findGenerator(name), row, running, 1)
    assert.equal(from.get('127.0.0.2'), 1)
    // Those under way at the end were not answered in time.
    assert.ok(requests > 0 && from.get('127.0.0.1')! >= requests)
  })
}
