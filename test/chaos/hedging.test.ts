/**
 * Hedging before origins of every kind, which change at random, with clients that leave at random: every request has one outcome, what
 * is answered is whole and of one origin, hedges and retries stay within the budget, no POST is sent twice, and in the end nothing is left.
 *
 * WEIR_TEST_SEED repeats a run's choices; WEIR_TEST_HEDGED sets the number of requests, 3,000 by default.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Dice } from '../support/dice.ts'
import { type Behaviour, startOrigin } from '../support/origin.ts'
import { delayed, ok, resetBeforeHead, respond, silent, stream } from '../support/origin-behaviours.ts'
import { isAlive } from '../support/process-info.ts'
import { upstreamOf } from '../support/proxied.ts'
import { RawClient } from '../support/raw-client.ts'
import { startWeir } from '../support/weir.ts'
import { WireError } from '../support/wire.ts'

const requests = Number(process.env.WEIR_TEST_HEDGED ?? 3_000)
const atOnce = 32
const budget = 0.2
const minPerSecond = 3

test(`${requests} requests to origins that slow down, hang, reset and answer 503: one outcome each, within the budget, nothing left`, {
  timeout: 240_000,
}, async (t) => {
  const dice = new Dice(t)
  const names = ['a', 'b', 'c']
  const kinds: ((name: string) => Behaviour)[] = [
    ...Array.from({ length: 12 }, () => (name: string) => ok(name.repeat(100))),
    (name) => delayed(30, ok(name.repeat(100))),
    (name) => delayed(80, ok(name.repeat(100))),
    () => silent,
    () => resetBeforeHead,
    () => respond({ status: 503, body: 'busy' }),
    () => stream(100_000, 'length'),
  ]
  const origins = await Promise.all(
    names.map((name) => {
      const behaviours = kinds.map((kind) => kind(name))
      return startOrigin(t, (exchange) => (behaviours[dice.below(behaviours.length)] as Behaviour)(exchange))
    }),
  )
  const weir = await startWeir(t, {
    upstreams: {
      app: upstreamOf(origins, {
        connections: 16,
        hedging: { percentile: 75, min: '5ms' },
        timeouts: { headers: '300ms', idle: '1m' },
        retries: { budget, minPerSecond },
        outliers: { time: '200ms', maxTime: '1s' },
      }),
    },
  })
  const pid = weir.workerPid()
  const startedAt = performance.now()
  let left = requests
  let posts = 0
  const client = async () => {
    let connection: RawClient | null = null
    while (left > 0) {
      const number = left--
      connection ??= await RawClient.connect(weir.port)
      const method = dice.below(8) === 0 ? 'POST' : 'GET'
      if (method === 'POST') posts++
      try {
        await connection.request({
          method,
          target: `/${number}`,
          ...(method === 'POST' ? { body: 'x' } : {}),
        })
        if (dice.below(10) === 0) {
          await sleep(dice.below(30))
          connection.close()
          connection = null
          continue
        }
        const response = await connection.response()
        if (response.ended === 'complete' && response.status === 200 && response.bodyBytes === 100) {
          assert.ok(
            names.some((name) => response.text === name.repeat(100)),
            response.text,
          )
        }
        if (response.ended === 'complete' && response.header('connection') !== 'close') continue
      } catch (error) {
        if (!(error instanceof WireError)) throw error
      }
      connection?.close()
      connection = null
    }
    connection?.close()
  }
  await Promise.all(Array.from({ length: atOnce }, client))
  await weir.atRest()
  const seconds = (performance.now() - startedAt) / 1_000

  const [stats] = await weir.stats()
  const { outcomes, upstreams } = stats!
  const { hedging } = upstreams[0]!
  t.diagnostic(
    `in ${Math.round(seconds)} s: outcomes ${JSON.stringify(outcomes)}, hedging ${JSON.stringify(hedging)}`,
  )
  assert.ok(isAlive(pid) && weir.workerPid() === pid, 'the worker that began is the one that ended')
  assert.equal(outcomes.internal ?? 0, 0)
  const ended = Object.values(outcomes).reduce((sum, count) => sum + count, 0)
  // A client that left at once may not have been seen.
  assert.ok(ended <= requests && ended > requests * 0.8, `${ended} outcomes`)
  assert.ok(hedging!.sent > 0 && hedging!.won > 0, 'there were hedges')
  // A window that slides earns the minimum once more.
  const most = budget * ended + minPerSecond * 10 * (2 + Math.ceil(seconds / 10))
  assert.ok(hedging!.sent <= most, `${hedging!.sent} hedges, ${most} at most`)
  const seen = new Map<string, number>()
  for (const origin of origins) {
    for (const { method, target } of origin.requests) {
      if (method === 'POST') seen.set(target, (seen.get(target) ?? 0) + 1)
    }
  }
  assert.ok(posts > 0 && seen.size > 0)
  for (const [target, count] of seen) assert.equal(count, 1, `POST ${target} was sent ${count} times`)
  assert.equal(weir.log.named('worker died: it will be replaced').length, 0)
})
