import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Census } from '../../../../src/control/metrics/census.ts'
import { workerStats } from '../../../support/fakes/stats.ts'

/** @param ready whether it can be asked */
function worker(number: number, asked: number[], ready = true) {
  return {
    number,
    ask: () => {
      asked.push(number)
      return ready
    },
  }
}

test('round_ends when all have answered, each under its number', async () => {
  const census = new Census(60_000)
  const asked: number[] = []
  const round = census.take([worker(1, asked), worker(2, asked)])
  assert.deepEqual(asked, [1, 2])
  const [first, second] = [workerStats({ inFlight: 1 }), workerStats({ inFlight: 2 })]
  census.answer(2, second)
  census.answer(1, first)
  assert.deepEqual(await round, [
    { number: 1, stats: first },
    { number: 2, stats: second },
  ])
})

test('several who ask at once_one round, and the next one asks anew', async () => {
  const census = new Census(60_000)
  const asked: number[] = []
  const rounds = [census.take([worker(1, asked)]), census.take([worker(1, asked)])]
  assert.deepEqual(asked, [1])
  census.answer(1, workerStats())
  const [one, other] = await Promise.all(rounds)
  assert.equal(one, other)
  const next = census.take([worker(1, asked)])
  assert.deepEqual(asked, [1, 1])
  census.answer(1, workerStats())
  await next
})

test('worker that is not ready, or goes_told as such, and not waited for', async () => {
  const census = new Census(60_000)
  const round = census.take([worker(1, [], false), worker(2, []), worker(3, [])])
  census.gone(2)
  census.answer(3, workerStats())
  assert.deepEqual(
    (await round).map(({ stats }) => stats !== null),
    [false, false, true],
  )
})

test('worker that hangs_told as such when time is up; its late answer hurts nobody', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const census = new Census(1_000)
  const round = census.take([worker(1, []), worker(2, [])])
  census.answer(1, workerStats())
  t.mock.timers.tick(1_000)
  assert.deepEqual(
    (await round).map(({ stats }) => stats !== null),
    [true, false],
  )
  census.answer(2, workerStats())
})

test('without workers_a round that is over at once', async () => {
  assert.deepEqual(await new Census(60_000).take([]), [])
})
