/**
 * What must hold in an overload (issue 5), in virtual time and for several seeds: the learned limit and the controlled delay
 * together, in front of servers of known capacity. `npm run bench overload` asks the same of real processes.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  type OverloadOptions,
  type OverloadReport,
  simulateOverload,
} from '../../../support/overload-simulator.ts'

const targetMs = 5
const controlled = { limit: { min: 4, max: 1000, initial: 20, tolerance: 1.5 }, connections: 64, targetMs }
const seeds = [1, 2, 3]

/** Many slots; one that is fast, as an interpreter's only thread; three of those; uneven service times. */
const servers = [
  { slots: 8, serviceMs: 10, sigma: 0 },
  { slots: 8, serviceMs: 10, sigma: 0.3 },
  { slots: 1, serviceMs: 1, sigma: 0.2 },
  { slots: 3, serviceMs: 3, sigma: 0.3 },
] as const

const run = (
  server: (typeof servers)[number],
  load: number,
  seed: number,
  differs: Partial<OverloadOptions> = {},
) => simulateOverload({ ...server, ...controlled, load, seed, seconds: 10, ...differs })

for (const server of servers) {
  const { slots, serviceMs, sigma } = server
  test(`${slots} slots of ${serviceMs} ms, sigma ${sigma}, 4 times the capacity_goodput 95 % of its peak, p99 below 3 times the unloaded and the target`, async () => {
    for (const seed of seeds) {
      const at = new Map<number, OverloadReport>()
      for (const load of [0.5, 1, 1.5, 2, 4]) at.set(load, await run(server, load, seed))
      const says = `seed ${seed}: ${JSON.stringify([...at])}`
      const peak = Math.max(...[...at.values()].map(({ goodput }) => goodput))
      assert.ok(at.get(4)!.goodput >= 0.95 * peak, says)
      assert.ok(at.get(4)!.goodput >= 0.85, says)
      assert.ok(at.get(4)!.p99Ms < 3 * at.get(0.5)!.p99Ms + targetMs, says)
      // Not only at the worst of it.
      for (const load of [1.5, 2]) assert.ok(at.get(load)!.p99Ms < 3 * at.get(0.5)!.p99Ms + targetMs, says)
    }
  })
}

test('without a limit and a target_the same goodput, and p99 as long as the queue', async () => {
  const [server] = servers
  const plain = await run(server, 4, 1, { limit: null, targetMs: 0 })
  assert.ok(plain.p99Ms > 1_000, JSON.stringify(plain))
})
