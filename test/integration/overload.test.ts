/** Too much to do: who is let in, who waits, and who is shed. No test depends on how fast the machine is. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Load } from '../support/load.ts'
import type { Behaviour } from '../support/origin.ts'
import { held, ok, respond } from '../support/origin-behaviours.ts'
import { type Proxied, proxied } from '../support/proxied.ts'
import type { ClientResponse, RawClient } from '../support/raw-client.ts'
import { Gate, waitFor } from '../support/wait.ts'
import type { Weir } from '../support/weir.ts'

/** A server with a fixed number of slots: what it has none for waits inside it, in order. */
class Slots {
  serviceMs: number
  /** The most that were inside at a time, since it was last set to 0. */
  insideMax = 0
  readonly #count: number
  #busy = 0
  #inside = 0
  readonly #waiting: (() => void)[] = []

  constructor(count: number, serviceMs: number) {
    this.#count = count
    this.serviceMs = serviceMs
  }

  readonly behaviour: Behaviour = async (exchange) => {
    this.insideMax = Math.max(this.insideMax, ++this.#inside)
    if (this.#busy === this.#count) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    else this.#busy++
    await sleep(this.serviceMs)
    const next = this.#waiting.shift()
    if (next === undefined) this.#busy--
    else next()
    this.#inside--
    await ok()(exchange)
  }
}

async function limitOf(weir: Weir): Promise<number> {
  const [stats] = await weir.stats()
  return stats!.upstreams[0]!.concurrency
}

test('adaptive: the limit comes down to what the origin can do, and the rest waits in Weir', async (t) => {
  const slots = new Slots(5, 20)
  const { weir } = await proxied(t, slots.behaviour, {
    upstream: { connections: 200, concurrency: { initial: 100, min: 1 }, queue: { timeout: '60s' } },
  })
  const load = new Load({ port: weir.port, connections: 120 })
  t.after(() => load.stop())
  // 100 are let in at first, of which 95 wait inside the origin.
  await waitFor(async () => (await limitOf(weir)) <= 25, {
    what: 'a limit near 5 slots',
    timeoutMs: 60_000,
    everyMs: 50,
  })
  slots.insideMax = 0
  await waitFor(() => slots.insideMax > 0, { what: 'more requests' })
  const lines = await weir.waitForStats((sum) => sum.queued > 60, 'most of them wait in Weir')
  assert.ok(lines[0]!.upstreams[0]!.baseMs! > 0)
  await weir.waitForLog((line) => line.msg === 'concurrency limit has changed', 'a line about it')
  await load.stop()
  assert.deepEqual(Object.keys(load.statuses), ['200'])
  assert.equal(load.failed, 0)
  await weir.atRest()
})

test('adaptive: an origin with room gets more than at first', async (t) => {
  const slots = new Slots(1_000, 30)
  const { weir } = await proxied(t, slots.behaviour, {
    upstream: { connections: 200, concurrency: { initial: 4, min: 2 }, queue: { timeout: '60s' } },
  })
  const load = new Load({ port: weir.port, connections: 60 })
  t.after(() => load.stop())
  await waitFor(async () => (await limitOf(weir)) >= 16, {
    what: 'a limit above 16',
    timeoutMs: 60_000,
    everyMs: 50,
  })
  await load.stop()
  assert.deepEqual(Object.keys(load.statuses), ['200'])
  await weir.atRest()
})

test('adaptive: 503 of the origin lowers the limit to its least, and goes to the client', async (t) => {
  const { weir } = await proxied(t, respond({ status: 503 }), {
    upstream: { connections: 50, concurrency: { initial: 40, min: 3 } },
  })
  const load = new Load({ port: weir.port, connections: 40 })
  t.after(() => load.stop())
  await waitFor(async () => (await limitOf(weir)) === 3, { what: 'the least limit', timeoutMs: 30_000 })
  await load.stop()
  assert.deepEqual(Object.keys(load.statuses), ['503'])
  await weir.atRest()
})

test('adaptive: clients that leave teach nothing', async (t) => {
  const gate = new Gate()
  const { weir, connect } = await proxied(t, held(gate, ok()), {
    upstream: { connections: 50, concurrency: { initial: 20 } },
  })
  for (let round = 0; round < 60; round += 20) {
    const clients = await Promise.all(Array.from({ length: 20 }, () => connect()))
    for (const client of clients) void client.exchange().catch(() => undefined)
    await gate.reached(round + 20)
    for (const client of clients) client.close()
    await weir.atRest()
  }
  assert.equal(await limitOf(weir), 20)
})

test('fixed limit: no more than that at the origin, whatever the connections', async (t) => {
  const gate = new Gate()
  const { weir, origin, fetch } = await proxied(t, held(gate, ok()), {
    upstream: { connections: 50, concurrency: 3 },
  })
  const answers = Array.from({ length: 8 }, () => fetch())
  await gate.reached(3)
  await weir.waitForStats((sum) => sum.queued === 5, 'five waiting')
  assert.equal(origin.count, 3)
  gate.open()
  for (const answer of answers) assert.equal((await answer).status, 200)
  await weir.atRest()
})

interface Busy extends Proxied {
  readonly gate: Gate
  begin(target: string, priority?: string): Promise<{ client: RawClient; answer: Promise<ClientResponse> }>
}

/** One place at an origin that holds whatever comes; the priority goes by a header, or by the path. */
async function busy(t: TestContext, queue: object): Promise<Busy> {
  const gate = new Gate()
  const values = { urgent: 'high', batch: 'low' }
  const all = await proxied(t, held(gate, ok()), {
    upstream: { connections: 1, queue: { timeout: '60s', ...queue } },
    config: {
      routes: [
        { path: '/high', upstream: 'app', priority: 'high' },
        { upstream: 'app', priority: { header: 'x-priority', values } },
      ],
    },
  })
  const begin = async (target: string, priority?: string) => {
    const client = await all.connect()
    const headers = priority === undefined ? [] : ([['x-priority', priority]] as const)
    return { client, answer: client.exchange({ target, headers }) }
  }
  return { ...all, gate, begin }
}

test('priorities: the higher goes first; in a full queue the last of the lowest is shed', async (t) => {
  const { origin, weir, gate, begin } = await busy(t, { limit: 3 })
  const first = await begin('/first')
  await gate.reached(1)
  const waiting: Awaited<ReturnType<typeof begin>>[] = []
  for (const [target, priority] of [
    ['/normal', undefined],
    ['/batch1', 'batch'],
    ['/batch2', 'batch'],
  ] as const) {
    waiting.push(await begin(target, priority))
    await weir.waitForStats((sum) => sum.queued === waiting.length, `${waiting.length} waiting`)
  }
  const [ordinary, batch, last] = waiting as [(typeof waiting)[0], (typeof waiting)[0], (typeof waiting)[0]]
  assert.equal((await (await begin('/batch3', 'batch')).answer).status, 503, 'nobody is lower')
  const urgent = await begin('/urgent', 'urgent')
  assertShed(await last.answer)
  const high = await begin('/high')
  assertShed(await batch.answer)
  gate.open()
  for (const { answer } of [first, ordinary, urgent, high]) assert.equal((await answer).status, 200)
  assert.deepEqual(
    origin.requests.map(({ target }) => target),
    ['/first', '/urgent', '/high', '/normal'],
  )
  // Who was shed keeps its connection.
  assert.equal((await last.client.exchange()).status, 200)
  await weir.atRest()
  const [stats] = await weir.stats()
  assert.equal(stats!.outcomes.shed, 2)
  assert.equal(stats!.outcomes.queue_full, 1)
})

test('client gone while queued: the origin never sees the request', async (t) => {
  const { origin, weir, gate, begin } = await busy(t, { limit: 10, target: '5ms' })
  const first = await begin('/first')
  await gate.reached(1)
  const gone = await begin('/gone')
  gone.answer.catch(() => undefined)
  await weir.waitForStats((sum) => sum.queued === 1, 'one waiting')
  gone.client.close()
  await weir.waitForStats((sum) => sum.queued === 0, 'nobody waiting')
  gate.open()
  assert.equal((await first.answer).status, 200)
  await weir.atRest()
  assert.deepEqual(
    origin.requests.map(({ target }) => target),
    ['/first'],
  )
})

test('controlled delay: a queue that stands sheds the old, the newest stays and is served', async (t) => {
  const { weir, gate, begin, origin } = await busy(t, { limit: 1000, target: '5ms', interval: '50ms' })
  const first = await begin('/first')
  await gate.reached(1)
  const answers: { target: string; answer: Promise<ClientResponse> }[] = []
  let shed: ClientResponse | null = null
  for (let count = 0; shed === null; count++) {
    assert.ok(count < 2_000, 'somebody is shed')
    const { answer } = await begin(`/${count}`)
    answers.push({ target: `/${count}`, answer })
    void answer.then((response) => {
      if (response.status === 503) shed ??= response
    })
    await sleep(10)
  }
  assertShed(shed)
  assert.equal((await answers[0]!.answer).status, 503, 'the oldest first')
  await weir.waitForStats((sum) => sum.queued >= 1, 'one still waits')
  gate.open()
  assert.equal((await first.answer).status, 200)
  assert.equal((await answers.at(-1)!.answer).status, 200)
  assert.equal(origin.requests[1]?.target, answers.at(-1)!.target, 'the newest goes first')
  await Promise.all(answers.map(({ answer }) => answer))
  await weir.atRest()
})

test('no controlled delay by default: who waits long is served', async (t) => {
  const { weir, gate, begin } = await busy(t, { limit: 100 })
  const first = await begin('/first')
  await gate.reached(1)
  const others = []
  for (let count = 0; count < 20; count++) {
    others.push(await begin(`/${count}`))
    await sleep(20)
  }
  gate.open()
  for (const { answer } of [first, ...others]) assert.equal((await answer).status, 200)
  await weir.atRest()
})

function assertShed(answer: ClientResponse): void {
  assert.equal(answer.status, 503)
  assert.equal((JSON.parse(answer.text) as { error: string }).error, 'shed')
  assert.match(answer.header('retry-after') ?? '', /^\d+$/)
  assert.equal(answer.header('connection'), undefined)
}
