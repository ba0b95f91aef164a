import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { connect } from 'node:tls'
import { checkAnswer } from '../../../../perf/harness/check.ts'
import { payload } from '../../../../perf/harness/payload.ts'
import { Processes, which } from '../../../../perf/harness/processes.ts'
import type { Row } from '../../../../perf/harness/row.ts'
import type { Bench, Running } from '../../../../perf/harness/running.ts'
import type { Scenario } from '../../../../perf/harness/scenario.ts'
import { startOrigins, startSubject } from '../../../../perf/harness/subject.ts'
import { haproxy } from '../../../../perf/peers/haproxy.ts'
import { nginxBuffers } from '../../../../perf/peers/nginx.ts'
import type { Peer } from '../../../../perf/peers/peer.ts'
import { canRun, describePeers, findPeer, peers } from '../../../../perf/peers/peers.ts'
import { all, select } from '../../../../perf/scenarios/catalogue.ts'
import { small } from '../../../../perf/scenarios/routes.ts'

const folder = mkdtempSync(join(tmpdir(), 'weir-test-'))
after(() => rmSync(folder, { recursive: true, force: true }))

/** What differs in the configuration that a peer gets. The check before a measurement is what is tested with. */
const names = [
  'isolated',
  'three',
  'browser',
  'response-1m',
  'upload-1m',
  'connections-2000',
  'tls',
  'websocket',
]

const noOpenssl = which('openssl') === null ? 'openssl is not installed' : false

for (const peer of peers) {
  const reason = peer.missing()
  for (const scenario of names.flatMap((name) => select([name]))) {
    if (!canRun(peer, scenario)) continue
    const skip = reason ?? (scenario.tls ? noOpenssl : false)
    test(`${peer.name} answers_rightly_to ${scenario.name}`, { skip, timeout: 120_000 }, () =>
      answers(peer, scenario),
    )
  }
}

test('Weir is_started_and_checked_in_the_same_way, TLS included', { skip: noOpenssl }, () =>
  answers(null, select(['tls'])[0]!),
)

function answers(peer: Peer | null, scenario: Scenario): Promise<void> {
  // Does not start before the answer is the right one.
  return withSubject(peer?.name ?? 'weir', scenario, async ({ url }) => {
    assert.equal(await checkAnswer(url, scenario), null)
    // And once more with another expectation, so that the check cannot be one that always passes.
    if (scenario.name === 'three') {
      const other = { ...scenario, origin: { ...scenario.origin, bytes: 99 } }
      assert.match(String(await checkAnswer(url, other)), /answered 100 bytes instead of the origin's 99/)
    }
  })
}

/** With something that runs, in front of origins of its own, or of those that are given. */
async function withSubject<T>(
  subject: string,
  scenario: Scenario,
  use: (running: Running) => Promise<T>,
  given?: readonly Running[],
): Promise<T> {
  const processes = new Processes()
  const weir = new URL('../../../../src/cli.ts', import.meta.url).pathname
  const bench: Bench = { processes, folder, cores: () => null, weir, allocation: false }
  const row: Row = { name: `${scenario.name}@${subject}`, baseline: scenario.name, subject, scenario }
  try {
    const origins = given ?? (await startOrigins(bench, scenario))
    return await use(await startSubject(bench, row, origins))
  } finally {
    await processes.stopAll()
  }
}

function peerMissing(name: string): string | false {
  return findPeer(name).missing() ?? false
}

test('nginx with longer buffers runs_where_bodies_are, and differs in nothing else', () => {
  const where = all.filter((scenario) => canRun(nginxBuffers, scenario))
  assert.deepEqual(
    where.map(({ name }) => name),
    ['response-16k', 'response-1m', 'upload-16k', 'upload-1m'],
  )
  assert.ok(where.every((scenario) => canRun(findPeer('nginx'), scenario)))
  const [usual, longer] = [findPeer('nginx'), nginxBuffers].map((peer) =>
    configured(peer, select(['upload-1m'])[0]!),
  )
  const added = longer!.split('\n').filter((line) => !usual!.includes(line))
  assert.deepEqual(
    added.map((line) => line.trim()),
    [
      'proxy_buffer_size 64k;',
      'proxy_buffers 8 64k;',
      'proxy_busy_buffers_size 128k;',
      'client_body_buffer_size 128k;',
    ],
  )
})

for (const peer of peers.filter((peer) => canRun(peer, select(['tls'])[0]!))) {
  test(`${peer.name} speaks TLS 1.3_as_the_others_do`, {
    skip: peer.missing() ?? noOpenssl,
    timeout: 120_000,
  }, async () => {
    const protocol = await withSubject(peer.name, select(['tls'])[0]!, async ({ url }) => {
      const { hostname, port } = new URL(url)
      // The certificate is the harness' own.
      const socket = connect({ host: hostname, port: Number(port), rejectUnauthorized: false })
      await once(socket, 'secureConnect')
      const spoken = socket.getProtocol()
      socket.destroy()
      return spoken
    })
    assert.equal(protocol, 'TLSv1.3')
  })
}

test('workers of nginx have_a_queue_of_connections_each', {
  skip: peerMissing('nginx'),
  timeout: 120_000,
}, async () => {
  const two: Scenario = { ...small, name: 'two', workers: 2 }
  assert.match(configured(findPeer('nginx'), two), /listen 127\.0\.0\.1:2 backlog=4096 reuseport;/)
  assert.doesNotMatch(configured(findPeer('nginx'), small), /reuseport/)
  await withSubject('nginx', two, async ({ url }) => assert.equal(await checkAnswer(url, two), null))
})

for (const peer of peers) {
  test(`${peer.name} ${peer.reconnects ? 'opens_connections_all_the_time' : 'keeps_its_connections'}`, {
    skip: peerMissing(peer.name),
    timeout: 180_000,
  }, async () => {
    // Of 80 requests, 8 at a time. The Go balancers that reconnect keep two, so that six of each round open one.
    const opened = await connectionsOpened(peer, small, 10, 8)
    if (peer.reconnects === true) assert.ok(opened >= 32, String(opened))
    // One connection or another may be given back after the next round has begun.
    else assert.ok(opened <= 16, String(opened))
  })
}

test('HAProxy keeps_its_connections_however_many_clients_there_are', {
  skip: peerMissing('haproxy'),
  timeout: 120_000,
}, async () => {
  const clients = 500
  const opened = await connectionsOpened(haproxy, select(['connections-500'])[0]!, 4, clients)
  assert.ok(opened <= clients * 1.5, String(opened))
})

test('HAProxy has_longer_buffers_where_bodies_are', () => {
  const line = /^ *tune\.bufsize 65536$/m
  for (const name of ['response-16k', 'upload-1m'])
    assert.match(configured(haproxy, select([name])[0]!), line)
  for (const name of ['small', 'websocket'])
    assert.doesNotMatch(configured(haproxy, select([name])[0]!), line)
})

/** How many a peer opens to its origin for rounds of so many requests that the origin holds until all are there. */
async function connectionsOpened(
  peer: Peer,
  scenario: Scenario,
  rounds: number,
  atOnce: number,
): Promise<number> {
  let opened = 0
  const waiting: ServerResponse[] = []
  const body = payload(scenario.origin.bytes)
  const origin = createServer((request, response) => {
    // What asks whether it is ready waits for nobody.
    if (request.headers['x-round'] === undefined) return void response.end(body)
    waiting.push(response)
    if (waiting.length === atOnce) for (const one of waiting.splice(0)) one.end(body)
  })
  origin.on('connection', () => void opened++)
  origin.listen(0, '127.0.0.1')
  await once(origin, 'listening')
  const { port } = origin.address() as AddressInfo
  const behind = { url: `http://127.0.0.1:${port}` } as Running
  try {
    return await withSubject(
      peer.name,
      scenario,
      async ({ url }) => {
        for (let round = 0; round < rounds; round++) {
          const answers = Array.from({ length: atOnce }, () => fetch(url, { headers: { 'X-Round': 'held' } }))
          for (const answer of await Promise.all(answers)) assert.equal(await answer.text(), body)
        }
        return opened
      },
      [behind],
    )
  } finally {
    origin.closeAllConnections()
    origin.close()
  }
}

/** The file that a peer is started with. */
function configured(peer: Peer, scenario: Scenario): string {
  const written: string[] = []
  void peer.command({
    row: { name: 'x', baseline: 'x', subject: peer.name, scenario },
    origins: ['http://127.0.0.1:1'],
    port: 2,
    certificate: null,
    write: (_ending, content) => {
      written.push(content)
      return 'file'
    },
    folder,
  })
  return written.join('\n')
}

test('an unknown peer is_refused_with_those_there_are', () => {
  assert.throws(
    () => findPeer('apache'),
    /no peer is called "apache"; there are: nginx, nginx-buffers, haproxy,/,
  )
})

test('the list names_every_peer, and what one lacks that cannot be started', () => {
  const text = describePeers()
  for (const { name, what, missing } of peers) {
    assert.ok(text.includes(`  ${name}`) && text.includes(what), name)
    assert.ok(text.includes(missing() ?? ''), name)
  }
})
