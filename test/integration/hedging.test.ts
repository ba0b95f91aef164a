/**
 * Hedging with real origins. Slow ones wait at a gate, or for ever: a client that is answered was not made to wait, whatever the
 * machine's speed. Everything is learned from fast answers first.
 */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { HedgingStats } from '../../src/plan/messages.ts'
import { runLoad } from '../support/load.ts'
import { type Origin, startOrigin } from '../support/origin.ts'
import { held, ok, respond, silent } from '../support/origin-behaviours.ts'
import { upstreamOf } from '../support/proxied.ts'
import { type ClientResponse, fetchRaw, RawClient } from '../support/raw-client.ts'
import { Gate, waitFor } from '../support/wait.ts'
import { startWeir, type Weir } from '../support/weir.ts'

/** So many answers are known before anything is hedged. */
const learned = 40

interface Hedged {
  readonly weir: Weir
  readonly a: Origin
  readonly b: Origin
  figures(): Promise<HedgingStats>
}

/** Two origins, `a` and `b`, taken in turn; both have answered fast so far. */
async function hedged(t: TestContext, settings: object = {}): Promise<Hedged> {
  const a = await startOrigin(t, ok('a'))
  const b = await startOrigin(t, ok('b'))
  const weir = await startWeir(t, {
    upstreams: {
      app: upstreamOf([a, b], {
        hedging: { percentile: 50, min: '20ms' },
        retries: { budget: 1, minPerSecond: 1_000 },
        timeouts: { idle: '1m' },
        ...settings,
      }),
    },
    log: { access: 'all' },
  })
  const figures = async () => {
    const { hedging } = (await weir.stats())[0]!.upstreams[0]!
    assert.ok(hedging !== undefined, 'it is on')
    return hedging
  }
  const { statuses } = await runLoad({ port: weir.port, connections: 1, requests: learned })
  assert.deepEqual(statuses, { 200: learned })
  assert.ok(((await figures()).afterMs as number) >= 20)
  await weir.atRest()
  return { weir, a, b, figures }
}

/** What was hedged while it was learned, on a machine that stood still: not what a test is about. */
type Since = Pick<HedgingStats, 'sent' | 'won'>

async function since(figures: () => Promise<HedgingStats>, before: Since): Promise<Since> {
  const { sent, won } = await figures()
  return { sent: sent - before.sent, won: won - before.won }
}

test('one origin hangs: nobody waits for it, and its connections are given up', async (t) => {
  const { weir, a, b, figures } = await hedged(t)
  const before = await figures()
  const [countA, countB] = [a.count, b.count]
  a.use(silent)
  const load = await runLoad({
    port: weir.port,
    connections: 4,
    requests: 60,
    onResponse: ({ text }) => (text === 'b' ? undefined : text),
  })
  assert.deepEqual([load.statuses, load.errors], [{ 200: 60 }, {}])
  await weir.atRest()
  const hung = a.count - countA
  assert.ok(hung > 0, 'it has had its share')
  const { sent, won } = await since(figures, before)
  // Where the machine was slow, some at the other origin were hedged as well: then it is the hedge that hung, and did not win.
  assert.ok(won > 0 && won <= hung && hung <= sent, `${hung} hung, ${sent} sent, ${won} won`)
  assert.equal(b.count - countB + hung, 60 + sent)
  const lines = weir.log.named('request').filter((line) => line.hedged === true && line.attempts === 2)
  assert.ok(lines.some((line) => `${line.endpoint}`.endsWith(`:${b.port}`)))
  await waitFor(() => a.connections.open === 0, {
    what: 'the connections on which nothing came to be closed',
  })
})

test('one origin is slow: a POST waits for it, and is never hedged', async (t) => {
  const { weir, a, b, figures } = await hedged(t)
  const before = await figures()
  const gate = new Gate()
  a.use(held(gate, ok('a')))
  const postsAt = (origin: Origin) => origin.requests.filter(({ target }) => target === '/post').length
  const posts: Promise<ClientResponse>[] = []
  while (gate.arrived === 0) {
    const post = fetchRaw(weir.port, { method: 'POST', target: '/post', body: 'x' })
    posts.push(post)
    await Promise.race([gate.reached(1), post])
  }
  // Those that come later, and are hedged, were due after it.
  await waitFor(
    async () => (await fetchRaw(weir.port)).text === 'b' && (await since(figures, before)).sent >= 3,
    { what: 'later requests to be hedged' },
  )
  assert.deepEqual([postsAt(a), postsAt(b)], [1, posts.length - 1])
  gate.open()
  assert.equal((await (posts.at(-1) as Promise<ClientResponse>)).text, 'a')
  assert.deepEqual([postsAt(a), postsAt(b)], [1, posts.length - 1])
  await weir.atRest()
})

test('every origin is slow: hedges stay within the budget, and everybody is answered', async (t) => {
  const share = 0.1
  const { weir, a, b, figures } = await hedged(t, { retries: { budget: share, minPerSecond: 0 } })
  const before = await figures()
  const count = a.count + b.count
  const gate = new Gate()
  for (const origin of [a, b]) origin.use(held(gate, ok('slow')))
  const load = runLoad({ port: weir.port, connections: 100, requests: 100 })
  await waitFor(
    async () => {
      const { sent, withheld } = await figures()
      return sent + withheld - before.sent - before.withheld >= 100
    },
    { what: 'all to be due' },
  )
  const { sent } = await since(figures, before)
  assert.ok(sent > 0, 'the budget allows some')
  assert.ok(before.sent + sent <= share * (learned + 100), `${sent} hedges for 100 requests`)
  await gate.reached(100 + sent)
  assert.equal(a.count + b.count - count, 100 + sent)
  gate.open()
  assert.deepEqual((await load).statuses, { 200: 100 })
  await weir.atRest()
})

/** One GET, of which both origins have a copy; each waits at its gate. */
async function twoUnderWay(t: TestContext) {
  const all = await hedged(t)
  const { weir, a, b, figures } = all
  const before = await figures()
  const gates = [new Gate(), new Gate()] as const
  a.use(held(gates[0], ok('a')))
  b.use(held(gates[1], ok('b')))
  const client = await RawClient.connect(weir.port)
  t.after(() => client.close())
  await client.send('GET / HTTP/1.1\r\nHost: test\r\n\r\n')
  await gates[0].reached(1)
  await gates[1].reached(1)
  assert.equal((await since(figures, before)).sent, 1)
  return { ...all, client, gates, before }
}

test('the hedge answers, or the first attempt after all: one answer, the other connection is given up', async (t) => {
  for (const winner of [0, 1] as const) {
    const { weir, a, b, client, gates, figures, before } = await twoUnderWay(t)
    gates[winner].open()
    const { text } = await client.response()
    assert.equal(text, ['a', 'b'][winner])
    const [mine, other] = winner === 0 ? [a, b] : [b, a]
    const lost = other.requests.at(-1)!
    await waitFor(() => !other.isOpen(lost), { what: 'the loser to be given up' })
    await weir.atRest()
    assert.ok(mine.isOpen(mine.requests.at(-1)!), 'the connection of the winner is kept')
    const line = weir.log.named('request').at(-1)!
    assert.deepEqual([line.attempts, line.hedged, line.status], [2, true, 200])
    assert.ok(`${line.endpoint}`.endsWith(`:${mine.port}`))
    // Which of the two was first is the balancer's affair.
    const won = (await since(figures, before)).won
    assert.ok(won === 0 || won === 1)
    gates[1 - winner]!.open()
    // The client's connection is as good as new.
    await client.send('GET / HTTP/1.1\r\nHost: test\r\n\r\n')
    assert.equal((await client.response()).status, 200)
  }
})

test('the client leaves while two are under way: both are given up, one line in the log', async (t) => {
  const { weir, a, b, client } = await twoUnderWay(t)
  client.close()
  for (const origin of [a, b]) {
    await waitFor(() => !origin.isOpen(origin.requests.at(-1)!), { what: 'the connections to be given up' })
  }
  await weir.atRest()
  const [stats] = await weir.stats()
  assert.equal(stats!.outcomes.client_aborted, 1)
  assert.equal(stats!.outcomes.completed, learned)
  assert.equal(weir.log.named('request').length, learned + 1)
})

test('one of the two fails: the other one answers', async (t) => {
  for (const bad of [respond({ status: 503 }), (exchange: { reset(): void }) => exchange.reset()]) {
    const all = await hedged(t)
    const gate = new Gate()
    const failing = new Gate()
    all.a.use(held(failing, bad))
    all.b.use(held(gate, ok('b')))
    const answer = fetchRaw(all.weir.port)
    await failing.reached(1)
    await gate.reached(1)
    failing.open()
    const lost = all.a.requests.at(-1)!
    await waitFor(() => !all.a.isOpen(lost), { what: 'the one that failed to be given up' })
    gate.open()
    assert.equal((await answer).text, 'b')
    await all.weir.atRest()
    assert.equal(all.weir.log.named('request').at(-1)!.attempts, 2)
  }
})

test('draining with two under way: the answer is waited for, and the exit is clean', async (t) => {
  const { weir, client, gates } = await twoUnderWay(t)
  const from = weir.log.lines.length
  const stopped = weir.stop()
  await weir.waitForLog(({ msg }) => msg === 'draining', 'draining', from)
  gates[1].open()
  assert.equal((await client.response()).text, 'b')
  assert.equal(await stopped, 0)
})

test('reload turns it off: no figures, nothing hedged', async (t) => {
  const { weir, a, b } = await hedged(t)
  weir.rewriteConfig({ upstreams: { app: upstreamOf([a, b]) } })
  weir.signal('SIGHUP')
  await waitFor(async () => (await weir.stats())[0]!.upstreams[0]!.hedging === undefined, {
    what: 'hedging to be off',
  })
  const count = a.count + b.count
  assert.deepEqual((await runLoad({ port: weir.port, requests: 40 })).statuses, { 200: 40 })
  assert.equal(a.count + b.count - count, 40)
  await weir.atRest()
})
