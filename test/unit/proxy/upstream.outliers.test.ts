/** What an upstream makes of endpoints that requests have ejected. The verdicts themselves: outliers.test.ts. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { type Outcome, outcomes } from '../../../src/plan/outcome.ts'
import type { UpstreamPlan } from '../../../src/plan/upstream-plan.ts'
import type { Endpoint } from '../../../src/proxy/endpoint.ts'
import { Upstream } from '../../../src/proxy/upstream.ts'
import { balancePlans, endpointPlan, upstreamPlan } from '../../support/fakes/plans.ts'

const unanswered = outcomes.endpointReset
const refused = outcomes.connectFailed

function rig(t: TestContext, names: string, changes: Partial<UpstreamPlan> = {}) {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const told: string[] = []
  const plan = upstreamPlan({
    endpoints: [...names].map((name, index) => endpointPlan(name, index + 1)),
    connections: 4,
    slowStartMs: 0,
    outliers: { failures: 3, timeMs: 10_000, maxTimeMs: 60_000, maxOut: 1, slowFactor: null },
    ...changes,
  })
  const subject = new Upstream(plan, new Set(), () => 0, undefined, {
    onOut: (_, { id }) => told.push(`${id.at(-1)} out`),
    onBack: (_, { id }) => told.push(`${id.at(-1)} back`),
    onFailOpen: (_, on) => told.push(`fail open ${on}`),
    onUnreachable: () => told.push('unreachable'),
    onDown: () => told.push('down'),
    onLimitMoved() {},
  })
  const [a, b] = subject.endpoints as [Endpoint, Endpoint]
  return {
    subject,
    told,
    a,
    b,
    fail(endpoint: Endpoint, outcome: Outcome, times = 3) {
      for (let n = 0; n < times; n++) subject.failed(endpoint, outcome, endpoint.outlier.epoch)
    },
  }
}

test('half-open_one request at a time; its success opens it, a failure shuts it', async (t) => {
  const { subject, a, b, fail } = rig(t, 'ab')
  fail(a, unanswered)
  assert.equal(subject.admission.concurrency, 4)
  t.mock.timers.tick(10_000)
  assert.equal(subject.admission.concurrency, 5)
  assert.equal(subject.pick(b), a)
  const probe = a.begin(false)
  assert.equal(subject.pick(b), null, 'the probe is under way')
  assert.equal(subject.admission.concurrency, 5)
  subject.answered(a, 200, a.outlier.epoch)
  await Promise.resolve()
  assert.equal(subject.pick(b), a)
  assert.equal(subject.admission.concurrency, 8)
  subject.end(a, probe, a.outlier.epoch)
  assert.equal(subject.admission.concurrency, 8)
})

test('half-open, the client of the probe leaves_the next request is the probe', (t) => {
  const { subject, a, b, fail } = rig(t, 'ab')
  const old = a.begin(false)
  const oldEpoch = a.outlier.epoch
  fail(a, unanswered)
  t.mock.timers.tick(10_000)
  assert.equal(subject.admission.concurrency, 6, 'what was there before has its place, too')
  const probe = a.begin(false)
  subject.end(a, old, oldEpoch)
  assert.equal(subject.pick(b), null, 'that was no probe')
  assert.equal(subject.admission.concurrency, 5)
  subject.end(a, probe, a.outlier.epoch)
  assert.equal(subject.pick(b), a)
  assert.equal(subject.admission.concurrency, 5)
})

test('no descriptor left for a connection_nobody is ejected for it, and the reason is kept', (t) => {
  const { subject, a, told } = rig(t, 'ab')
  const none = Object.assign(new Error('connect EMFILE 127.0.0.1:80'), { code: 'EMFILE' })
  for (let n = 0; n < 10; n++) subject.failed(a, outcomes.connectFailed, a.outlier.epoch, none)
  assert.deepEqual([told, a.outlier.state, a.outlier.reason], [[], 'in', none.message])
  subject.failed(a, outcomes.connectFailed, a.outlier.epoch, new Error('connect ECONNREFUSED 127.0.0.1:80'))
  assert.deepEqual(told, ['a out'])
})

test('half-open, sent something before that while it failed open_that is no probe', async (t) => {
  const { subject, a, b, fail } = rig(t, 'ab')
  fail(a, unanswered)
  fail(b, unanswered)
  const before = a.begin(false)
  t.mock.timers.tick(10_000)
  subject.answered(b, 200, b.outlier.epoch)
  await Promise.resolve()
  const probe = a.begin(false)
  assert.equal(subject.pick(b), null, 'the probe is under way')
  subject.end(a, before)
  assert.equal(subject.pick(b), null, 'and still is')
  subject.end(a, probe, a.outlier.epoch)
  assert.equal(subject.pick(b), a)
})

test('half-open_a WebSocket’s handshake is a probe like any other, one at a time', async (t) => {
  const { subject, a, b, fail } = rig(t, 'ab')
  fail(a, unanswered)
  t.mock.timers.tick(10_000)
  assert.equal(subject.pickBeside(b), a)
  assert.equal(subject.beginBeside(a), true)
  assert.deepEqual([subject.pickBeside(b), subject.pick(b), subject.admission.concurrency], [b, null, 4])
  subject.endBeside(a, a.outlier.epoch - 1)
  assert.equal(subject.pick(b), null, 'that was another')
  subject.endBeside(a, a.outlier.epoch)
  await Promise.resolve()
  assert.deepEqual([subject.pick(b), subject.admission.concurrency], [a, 5])
  assert.equal(subject.beginBeside(b), false)
})

test('half-open, nobody else and the probe under way_a WebSocket goes nowhere', async (t) => {
  const { subject, a, fail } = rig(t, 'a')
  fail(a, refused)
  t.mock.timers.tick(1_000)
  subject.beginBeside(a)
  assert.deepEqual([subject.pickBeside(null), subject.down], [null, true])
})

test('half-open, and only a cookie leads there_up for the probe', async (t) => {
  const { subject, a, fail } = rig(t, 'ab', { balance: balancePlans.sticky })
  fail(a, refused)
  t.mock.timers.tick(1_000)
  const plan = upstreamPlan({
    endpoints: [{ ...endpointPlan('a', 1), drain: true }, endpointPlan('b', 2)],
    balance: balancePlans.sticky,
    connections: 4,
    slowStartMs: 0,
  })
  subject.update(plan, new Set(['app/b']))
  assert.deepEqual([a.outlier.state, subject.down, subject.admission.concurrency], ['probing', false, 1])
  const probe = a.begin(false)
  assert.equal(subject.down, true, 'the probe is under way')
  subject.answered(a, 200, a.outlier.epoch)
  await Promise.resolve()
  assert.equal(subject.down, false)
  subject.end(a, probe, a.outlier.epoch)
})

test('half-open, a reload while the probe is under way_it still is the only one, and its verdict counts', async (t) => {
  const { subject, a, b, fail } = rig(t, 'ab')
  fail(a, unanswered)
  t.mock.timers.tick(10_000)
  const probe = a.begin(false)
  const plan = upstreamPlan({
    endpoints: [endpointPlan('a', 1, 3), endpointPlan('b', 2)],
    connections: 4,
    slowStartMs: 0,
  })
  subject.update(plan, new Set())
  assert.deepEqual([subject.pick(b), subject.admission.concurrency], [null, 5])
  subject.answered(a, 200, a.outlier.epoch)
  await Promise.resolve()
  assert.deepEqual([subject.pick(b), subject.admission.concurrency], [a, 8])
  subject.end(a, probe, a.outlier.epoch)
})

test('head that did not come in time_sent again only where another endpoint is up', (t) => {
  const { subject, a, b, fail } = rig(t, 'ab')
  const whole = { replayable: true, untouched: true, length: 0 }
  const mayRetry = (outcome: Outcome, from: Endpoint) =>
    subject.mayRetry(outcome, 'GET', 1, whole, 1, from) === 'granted'
  assert.equal(mayRetry(outcomes.headersTimeout, a), true)
  fail(b, unanswered)
  assert.deepEqual([mayRetry(outcomes.headersTimeout, a), mayRetry(unanswered, a)], [false, true])
  assert.equal(mayRetry(outcomes.headersTimeout, b), true)
  t.mock.timers.tick(10_000)
  assert.equal(mayRetry(outcomes.headersTimeout, a), false, 'a probe is no way out')
})

test('all out for their answers_fail open: sent everything, until one succeeds', async (t) => {
  const { subject, a, b, fail, told } = rig(t, 'ab')
  fail(a, unanswered)
  fail(b, unanswered)
  assert.deepEqual([subject.down, subject.failingOpen, subject.admission.concurrency], [false, true, 8])
  t.mock.timers.tick(10_000)
  assert.deepEqual([subject.down, subject.failingOpen, subject.admission.concurrency], [false, true, 8])
  fail(a, unanswered)
  subject.answered(b, 200, b.outlier.epoch)
  await Promise.resolve()
  assert.deepEqual([subject.failingOpen, subject.admission.concurrency], [false, 4])
  assert.deepEqual(told, ['a out', 'b out', 'fail open true', 'b back', 'fail open false'])
})

test('all refuse_down: refused at the gate, but for one a second', async (t) => {
  const { subject, a, b, fail, told } = rig(t, 'ab')
  for (let n = 0; n < 6; n++) {
    fail(a, refused, 1)
    fail(b, refused, 1)
  }
  assert.equal(subject.down, true)
  await Promise.resolve()
  assert.deepEqual(told.slice(-2), ['unreachable', 'down'])
  t.mock.timers.tick(1_000)
  assert.equal(subject.down, false)
  const first = subject.pick(null) as Endpoint
  first.begin(false)
  const second = subject.pick(null) as Endpoint
  assert.notEqual(first, second)
  second.begin(false)
  assert.equal(subject.down, true, 'both probes are under way')
  fail(first, refused, 1)
  fail(second, refused, 1)
  await Promise.resolve()
  assert.deepEqual([subject.down, told.filter((what) => what === 'unreachable').length], [true, 1])
  t.mock.timers.tick(1_000)
  first.begin(false)
  second.begin(false)
  assert.equal(subject.down, true)
  subject.answered(second, 200, second.outlier.epoch)
  await Promise.resolve()
  assert.equal(subject.down, false)
  assert.equal(subject.admission.concurrency, 6, 'four, and those under way at the other')
})

test('some refuse, the others fail_fail open to those that answer', (t) => {
  const { subject, a, b, fail } = rig(t, 'ab')
  fail(a, refused)
  fail(b, unanswered)
  assert.deepEqual([subject.down, subject.failingOpen], [false, true])
  assert.equal(subject.pick(null), b)
  assert.equal(subject.pick(b), b)
})

test('the active check’s verdict is another_out by it: no fail open', (t) => {
  const { subject, a, b, fail } = rig(t, 'ab')
  fail(a, unanswered)
  subject.setHealth('app/b', false)
  assert.deepEqual([subject.failingOpen, subject.down], [true, false])
  subject.setHealth('app/a', false)
  assert.deepEqual([subject.failingOpen, subject.down], [false, true])
  assert.deepEqual([a.healthy, a.outlier.state, b.healthy, b.outlier.state], [false, 'out', false, 'in'])
})

test('half-open beside backups_they go on until it is in', async (t) => {
  const { subject, a, b, fail } = rig(t, 'ab', {
    endpoints: [endpointPlan('a', 1), { ...endpointPlan('b', 2), backup: true }],
  })
  fail(a, unanswered)
  assert.equal(subject.admission.concurrency, 4)
  t.mock.timers.tick(10_000)
  assert.equal(subject.admission.concurrency, 5)
  assert.equal(subject.pick(a), b)
  subject.answered(a, 200, a.outlier.epoch)
  await Promise.resolve()
  assert.equal(subject.admission.concurrency, 4)
  assert.equal(subject.pick(null), a)
})

test('out, and gone in a reload_nobody’s turn is changed for it later on', (t) => {
  const { subject, a, fail, told } = rig(t, 'abc')
  fail(a, unanswered)
  const endpoints = ['b', 'c'].map((name) => endpointPlan(name))
  const plan = upstreamPlan({ endpoints, connections: 4, slowStartMs: 0 })
  subject.update(plan, new Set())
  const first = subject.pick(null)
  t.mock.timers.tick(60_000)
  assert.notEqual(subject.pick(null), first, 'round-robin goes on where it was')
  assert.deepEqual(told, ['a out'])
})

test('off, or turned off in a reload_nobody is out', (t) => {
  const { subject, a, fail } = rig(t, 'ab')
  fail(a, unanswered)
  const plan = upstreamPlan({
    endpoints: [endpointPlan('a', 1), endpointPlan('b', 2)],
    connections: 4,
    slowStartMs: 0,
    outliers: null,
  })
  subject.update(plan, new Set())
  assert.equal(subject.admission.concurrency, 8)
  fail(a, refused, 100)
  assert.equal(subject.admission.concurrency, 8)
})
