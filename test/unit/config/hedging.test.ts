import assert from 'node:assert/strict'
import { test } from 'node:test'
import { onlyProblem, planOf, upstreamWith } from './read.ts'

function hedgingOf(hedging: unknown) {
  return planOf(upstreamWith({ hedging })).upstreams[0]?.hedging
}

test('hedging_off by default; defaults, values', () => {
  assert.equal(planOf(upstreamWith({})).upstreams[0]?.hedging, undefined)
  assert.equal(hedgingOf(false), undefined)
  assert.deepEqual(hedgingOf({}), { share: 0.95, minMs: 10, maxMs: 0, methods: 'idempotent' })
  assert.deepEqual(hedgingOf({ percentile: 99, min: '1s', max: '2s', methods: 'safe' }), {
    share: 0.99,
    minMs: 1_000,
    maxMs: 2_000,
    methods: 'safe',
  })
})

test('hedging_out of range: one problem, with its place', () => {
  onlyProblem(upstreamWith({ hedging: { percentile: 100 } }), 'upstreams.app.hedging.percentile')
  onlyProblem(upstreamWith({ hedging: { percentile: 49 } }), 'upstreams.app.hedging.percentile')
  onlyProblem(upstreamWith({ hedging: { min: '0s' } }), 'upstreams.app.hedging.min')
  onlyProblem(upstreamWith({ hedging: { methods: 'all' } }), 'upstreams.app.hedging.methods')
  onlyProblem(upstreamWith({ hedging: true }), 'upstreams.app.hedging')
})

test('hedging_min above max: a problem where both are written, else max it is', () => {
  onlyProblem(upstreamWith({ hedging: { min: '2s', max: '1s' } }), 'upstreams.app.hedging.min')
  for (const hedging of [{ min: '1s', max: '1s' }, { min: '1s', max: '0s' }, { max: '5ms' }])
    hedgingOf(hedging)
  onlyProblem(upstreamWith({ hedging: { min: '2s', max: 'soon' } }), 'upstreams.app.hedging.max')
})

test('hedging with sticky sessions_a problem; with anything else, or turned off, none', () => {
  for (const balance of ['sticky', { policy: 'sticky' }]) {
    onlyProblem(upstreamWith({ balance, hedging: {} }), 'upstreams.app.hedging')
    planOf(upstreamWith({ balance, hedging: false }))
  }
  planOf(upstreamWith({ balance: 'hash', hedging: {} }))
})
