import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { type Outcome, outcomes } from '../../../src/plan/outcome.ts'
import type { AccessLogPlan, LogLevel } from '../../../src/plan/plan.ts'
import { durationBoundsMs, responseClasses } from '../../../src/plan/request-stats.ts'
import { type Recorded, Recorder } from '../../../src/proxy/record.ts'
import { RequestCounts } from '../../../src/proxy/request-counts.ts'
import { MemoryLog } from '../../support/fakes/logger.ts'

const off: AccessLogPlan = { errors: false, sample: 0 }
const errors: AccessLogPlan = { errors: true, sample: 0 }
const all: AccessLogPlan = { errors: true, sample: 1 }

function recorded(changes: Partial<Recorded> = {}): Recorded {
  return {
    head: { method: 'GET', target: '/x?y', host: 'app.example', fault: null, requestId: '' },
    address: '192.0.2.7',
    startedAt: performance.now(),
    status: 200,
    upstreamName: 'app',
    endpointId: 'app/a',
    attempts: 1,
    hedged: false,
    reason: '',
    responseBytes: 5,
    ...changes,
  }
}

function recorder(access: AccessLogPlan, level: LogLevel = 'info', random: () => number = () => 0.5) {
  const memory = new MemoryLog(level)
  const subject = new Recorder(memory.log, random)
  subject.configure({ level, access })
  return { memory, subject }
}

/** Begins and ends an exchange; gives the log lines that came of it. */
function linesOf(access: AccessLogPlan, outcome: Outcome, changes: Partial<Recorded> = {}) {
  const { memory, subject } = recorder(access)
  subject.begin()
  subject.end(recorded(changes), outcome)
  return memory.named('request')
}

test('begin and end_in flight goes up and back to 0, each outcome is counted once', () => {
  const { subject } = recorder(off)
  subject.begin()
  subject.begin()
  assert.equal(subject.inFlight, 2)
  subject.end(recorded(), outcomes.completed)
  subject.end(recorded(), outcomes.completed)
  subject.begin()
  subject.end(recorded({ status: 503 }), outcomes.queueFull)
  assert.equal(subject.inFlight, 0)
  assert.deepEqual(subject.counts(), { completed: 2, queue_full: 1 })
})

test('level_that of the plan counts, though the logger has another one still', () => {
  const memory = new MemoryLog('info')
  const subject = new Recorder(memory.log, () => 0.5)
  const lines = (level: LogLevel) => {
    subject.configure({ level, access: all })
    subject.begin()
    subject.end(recorded(), outcomes.completed)
    return memory.named('request').length
  }
  assert.deepEqual([lines('warn'), lines('silent'), lines('info'), lines('trace')], [0, 0, 1, 2])
})

test('begin_tells the time of the clock it was given', () => {
  const subject = new Recorder(
    new MemoryLog('info').log,
    () => 0.5,
    () => 1_234,
  )
  subject.configure({ level: 'info', access: { errors: true, sample: 0 } })
  assert.equal(subject.begin(), 1_234)
})

/** A clock that gives these, and nothing further. */
function clockOf(...times: number[]) {
  return () => times.shift() ?? assert.fail('the clock is read for nothing')
}

test('metrics_how long it took on the same clock, whatever is logged, once for each exchange', () => {
  const subject = new Recorder(new MemoryLog('info').log, () => 0.5, clockOf(1_000, 1_007))
  subject.configure({ level: 'info', access: off }, true)
  const counts = new RequestCounts()
  const startedAt = subject.begin()
  subject.end(recorded({ startedAt, status: 503 }), outcomes.queueFull, counts)
  const { durations, sumMs, responses } = counts.stats()
  assert.equal(sumMs, 7)
  assert.equal(durations.indexOf(1), durationBoundsMs.indexOf(10))
  assert.equal(responses[responseClasses.indexOf('5xx')], 1)
})

test('metrics that are served since it began_not counted', () => {
  const subject = new Recorder(new MemoryLog('info').log, () => 0.5, clockOf(1_007))
  subject.configure({ level: 'info', access: off })
  const startedAt = subject.begin()
  subject.configure({ level: 'info', access: off }, true)
  const counts = new RequestCounts()
  subject.end(recorded({ startedAt }), outcomes.completed, counts)
  assert.deepEqual(counts.stats(), new RequestCounts().stats())
})

test('metrics that are served no longer_no clock is read', () => {
  const subject = new Recorder(new MemoryLog('info').log, () => 0.5, clockOf(1_000))
  subject.configure({ level: 'info', access: off }, true)
  subject.configure({ level: 'info', access: off })
  assert.ok(Number.isNaN(subject.begin()))
})

test('nothing has happened_no counts', () => {
  assert.deepEqual(recorder(off).subject.counts(), {})
})

test('fixed answer_counted, never in flight', () => {
  const { subject } = recorder(off)
  assert.equal(subject.responded(200), false, 'no line')
  assert.equal(subject.inFlight, 0)
  assert.deepEqual(subject.counts(), { responded: 1 })
})

function trapClock(t: TestContext) {
  return t.mock.method(performance, 'now', () => assert.fail('the clock is read for nothing'))
}

test('access off_no clock is read, nothing is formatted, the log is not called', (t) => {
  const { memory, subject } = recorder(off, 'info', () => assert.fail('no dice for a sample of 0'))
  trapClock(t)
  const info = t.mock.method(memory.log, 'info')
  assert.ok(Number.isNaN(subject.begin()))
  const untouchable = new Proxy({} as Recorded, {
    get: (_target, key) => (key === 'status' ? 500 : assert.fail(`${String(key)} is read for nothing`)),
  })
  subject.end(untouchable, outcomes.internal)
  assert.equal(info.mock.callCount(), 0)
})

test('level above info_as access off, whatever the plan asks for', (t) => {
  const { memory, subject } = recorder(all, 'warn')
  const exchange = recorded({ startedAt: Number.NaN, status: 500 })
  trapClock(t)
  assert.ok(Number.isNaN(subject.begin()))
  subject.end(exchange, outcomes.internal)
  assert.deepEqual(memory.lines, [])
})

test('all_one line with everything that is known', () => {
  const [line, ...others] = linesOf(all, outcomes.completed)
  assert.equal(others.length, 0)
  assert.ok(line)
  const { level: _level, time: _time, pid: _pid, hostname: _hostname, msg: _msg, ms, ...told } = line
  assert.deepEqual(told, {
    client: '192.0.2.7',
    method: 'GET',
    host: 'app.example',
    target: '/x?y',
    status: 200,
    outcome: 'completed',
    fault: 'none',
    upstream: 'app',
    endpoint: 'app/a',
    attempts: 1,
    bytes: 5,
  })
  assert.ok(typeof ms === 'number' && ms >= 0)
})

test('never routed_no upstream in the line', () => {
  const [line] = linesOf(errors, outcomes.internal, { status: 500, upstreamName: '', endpointId: '' })
  assert.ok(line !== undefined && !('upstream' in line) && !('endpoint' in line) && !('attempts' in line))
})

test('refused for its framing_the line says why', () => {
  const [line] = linesOf(all, outcomes.badRequest, {
    status: 400,
    head: { method: 'GET', target: '/x?y', host: '', fault: 'no number', requestId: 'r-1' },
  })
  assert.equal(line?.reason, 'no number')
})

test('client gone before an answer_499', () => {
  assert.equal(linesOf(errors, outcomes.clientAborted, { status: 0 })[0]?.status, 499)
})

/** What `errors` writes down: an answer with a 5xx, and whatever did not end as it should have. */
const wanted: [condition: string, outcome: Outcome, status: number, isWanted: boolean][] = [
  ['a 200 that is complete', outcomes.completed, 200, false],
  ['a 404 of the endpoint', outcomes.completed, 404, false],
  ['a 500 of the endpoint', outcomes.completed, 500, true],
  ['a fixed 200', outcomes.responded, 200, false],
  ['a fixed 503', outcomes.responded, 503, true],
  ['no route', outcomes.noRoute, 404, false],
  ['shed', outcomes.queueFull, 503, true],
  ['endpoint refused', outcomes.connectFailed, 502, true],
  ['the client left before the head', outcomes.clientAborted, 0, true],
  ['the client left in the middle of a 200', outcomes.clientAborted, 200, true],
  ['cut by the endpoint in the middle of a 200', outcomes.responseTruncated, 200, true],
  ['cut by the body time-out in the middle of a 200', outcomes.bodyTimeout, 200, true],
  ['cut for a client that does not read, in the middle of a 200', outcomes.clientStalled, 200, true],
  ['cut by the end of a drain in the middle of a 200', outcomes.drainTimeout, 200, true],
]

for (const [condition, outcome, status, isWanted] of wanted) {
  test(`errors, ${condition}_${isWanted ? 'a line' : 'no line'}`, () => {
    assert.equal(linesOf(errors, outcome, { status }).length, isWanted ? 1 : 0)
  })
}

test('sample_as many as the dice say, errors always', () => {
  const throws = [0.009, 0.5, 0.01, 0.001]
  const { memory, subject } = recorder({ errors: true, sample: 0.01 }, 'info', () => throws.shift() as number)
  for (let count = 0; count < 4; count++) {
    subject.begin()
    subject.end(recorded(), outcomes.completed)
  }
  assert.equal(memory.named('request').length, 2)
  subject.begin()
  subject.end(recorded({ status: 502 }), outcomes.connectFailed)
  assert.equal(memory.named('request').length, 3)
})

test('fixed answers, all_described and written, with no upstream', () => {
  const { memory, subject } = recorder(all)
  const { head, address } = recorded()
  assert.ok(subject.responded(204))
  subject.tellResponded({ head, address }, 204)
  const [line] = memory.named('request')
  assert.equal(line?.status, 204)
  assert.equal(line?.outcome, 'responded')
  assert.ok(line !== undefined && !('upstream' in line))
})

test('two attempts under way at a time_the line says so', () => {
  assert.equal(linesOf(all, outcomes.completed, { attempts: 2, hedged: true })[0]?.hedged, true)
  assert.ok(!('hedged' in (linesOf(all, outcomes.completed, { attempts: 2 })[0] ?? {})))
})

test('attempt that failed_why stands in the line, where the endpoint is to blame', () => {
  const reason = 'connect ECONNREFUSED 127.0.0.1:9001'
  assert.equal(linesOf(all, outcomes.connectFailed, { reason })[0]?.reason, reason)
  assert.ok(!('reason' in (linesOf(all, outcomes.completed, { attempts: 2, reason })[0] ?? {})))
})

test('failed attempt_a line at level debug only', () => {
  for (const [level, count] of [
    ['info', 0],
    ['debug', 1],
  ] as const) {
    const { memory, subject } = recorder(off, level)
    const exchange = { reason: '' }
    subject.attemptFailed(exchange, 'app/a', 2, outcomes.connectFailed, new Error('connect ECONNREFUSED'))
    const lines = memory.named('attempt failed')
    assert.deepEqual(
      lines.map(({ endpoint, attempt, outcome }) => [endpoint, attempt, outcome]),
      Array.from({ length: count }, () => ['app/a', 2, 'connect_failed']),
    )
    assert.equal(exchange.reason, 'connect ECONNREFUSED')
  }
})
