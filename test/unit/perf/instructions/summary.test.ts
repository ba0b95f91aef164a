import assert from 'node:assert/strict'
import { test } from 'node:test'
import { perRequest } from '../../../../perf/instructions/count.ts'
import type { Counted } from '../../../../perf/instructions/run.ts'
import { clockReading, summariseCounts, userShare } from '../../../../perf/instructions/summary.ts'
import { renderCounts } from '../../../../perf/instructions/table.ts'
import { small } from '../../../../perf/scenarios/routes.ts'

function counted(
  name: string,
  baseline: string,
  instructions: readonly number[],
  clockReadings = 1,
  ownCalls: number | null = 4,
): Counted {
  const subject = name.split('@')[1] ?? 'weir'
  return {
    row: { name, baseline, subject, scenario: small },
    counts: instructions.map((each) => ({
      instructions: each,
      windows: [each],
      turns: 0.05,
      clockReadings,
    })),
    systemCalls:
      ownCalls === null ? null : { perRequest: ownCalls + 0.5, byName: { read: ownCalls, epoll_ctl: 0.5 } },
  }
}

test('a count is_the median of its windows, per request', () => {
  const dumps = [500, 100, 110].map((instructions) => ({ instructions, turns: 2, clockReadings: 11 }))
  assert.deepEqual(perRequest(dumps, 10), {
    instructions: 11,
    windows: [50, 10, 11],
    turns: 0.2,
    clockReadings: 1.1,
  })
})

test('ratios_are of pairs of turns, and readings of the clock are charged', () => {
  const [, on] = summariseCounts([
    counted('plain', 'plain', [1_000, 2_000, 1_000]),
    counted('on', 'plain', [1_000, 2_000, 1_000], 2),
  ])
  const charged = 1_000 + 2 * clockReading
  assert.equal(on!.instructions.median, charged)
  assert.equal(on!.ratio!.median, charged / (1_000 + clockReading))
  assert.equal(on!.ratio!.min, (2_000 + 2 * clockReading) / (2_000 + clockReading))
  assert.equal(on!.requestsPerTurn, 20)
})

test('the CPU ratio_is not below what the calls of requests allow, and never takes fewer for less of the kernel', () => {
  const ratio = (on: Counted) =>
    summariseCounts([counted('plain', 'plain', [1_000], 0), on]).find(({ name }) => name === on.row.name)!
      .cpuRatio
  assert.equal(ratio(counted('on', 'plain', [1_100], 0)), 1.1 * userShare + (1 - userShare))
  assert.equal(ratio(counted('on', 'plain', [1_000], 0, 8)), userShare + (8.5 / 4.5) * (1 - userShare))
  assert.equal(ratio(counted('on', 'plain', [1_000], 0, 2)), 1)
  assert.equal(ratio(counted('on', 'plain', [1_000], 0, null)), null)
})

test('beside another program there is_no bound of the CPU ratio: its kernel part is another', () => {
  const [weir] = summariseCounts([
    counted('small', 'small@nginx', [2_000]),
    counted('small@nginx', 'small@nginx', [1_000]),
  ])
  assert.ok(weir!.ratio!.median > 1)
  assert.equal(weir!.callsRatio, 1)
  assert.equal(weir!.cpuRatio, null)
})

test('a row without its baseline_is_an_error', () => {
  assert.throws(() => summariseCounts([counted('on', 'plain', [1])]), /"plain", which was not counted/)
})

test('the table_has_a line for each, empty where there is nothing to say', () => {
  const table = renderCounts(
    summariseCounts([
      counted('plain', 'plain', [1_000], 0),
      counted('on', 'plain', [1_010], 0),
      counted('untraced', 'plain', [1_010], 0, null),
    ]),
  )
  const lines = table.split('\n').map((line) => line.replaceAll(/ +/g, ' '))
  assert.deepEqual(lines.slice(2), [
    '| `plain` | 1,000 | | 0.00 | 20.0 | 4.00 | 0.50 | |',
    '| `on` | 1,010 | 1.010 | 0.00 | 20.0 | 4.00 | 0.50 | 1.005 |',
    '| `untraced` | 1,010 | 1.010 | 0.00 | 20.0 | - | - | |',
  ])
})
