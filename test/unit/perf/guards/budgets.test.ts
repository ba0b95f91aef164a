import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  type Budgets,
  divideCalls,
  figuresOf,
  judge,
  readBudgets,
  renderVerdicts,
} from '../../../../perf/guards/budgets.ts'
import { guarded } from '../../../../perf/guards/measure.ts'

const passes = {
  isolated: {
    systemCalls: { perRequest: 2.3, byName: { recvfrom: 1, sendto: 1, epoll_ctl: 0.25 } },
    allocatedBytes: 300,
    bufferBytes: 0,
  },
  small: { systemCalls: null, allocatedBytes: 6000 },
}

test('calls_are those of requests, rare ones included, and the others', () => {
  const { ofRequests, others } = divideCalls(passes.isolated.systemCalls)
  assert.equal(others, 0.25)
  assert.ok(Math.abs(ofRequests - 2.05) < 1e-9, String(ofRequests))
})

test('figures_have the names that the budgets have', () => {
  const figures = figuresOf(passes, { turns: 1, queuedInUndici: 0 })
  assert.equal(figures['small: system calls'], null)
  assert.deepEqual([figures['isolated: bytes of Buffers'], figures['small: bytes of Buffers']], [0, null])
  const guardedFigures = figuresOf(
    Object.fromEntries(guarded.map((scenario) => [scenario, passes.isolated])),
    null,
  )
  assert.deepEqual(
    readBudgets()
      .budgets.map((one) => one.name)
      .sort(),
    Object.keys(guardedFigures).sort(),
  )
})

const budgets: Budgets = {
  how: '',
  machine: '',
  date: '',
  budgets: [
    { name: 'kept', limit: 2, measured: 1, what: '' },
    { name: 'over', limit: 2, measured: 1, what: '' },
    { name: 'unknown', limit: 2, measured: 1, what: '' },
  ],
}

test('a figure_is kept up to its limit, over above it, and neither where it was not measured', () => {
  const verdicts = judge(budgets, { kept: 2, over: 2.01, unknown: null })
  assert.deepEqual(
    verdicts.map((one) => one.kept),
    [true, false, null],
  )
  assert.match(renderVerdicts(verdicts), /\| over +\| +2\.01 \| +2\.00 \| +1\.00 \| OVER +\|/)
})

test('limits_are above what was measured, and not by much', () => {
  for (const { name, limit, measured } of readBudgets().budgets) {
    // Memory that is used again is made some time: it is little beside what a request would need of its own.
    const few = name === 'upload-16k: bytes of Buffers' ? 1_000 : 1
    assert.ok(measured <= limit && limit <= Math.max(1.2 * measured, measured + few), name)
  }
})
