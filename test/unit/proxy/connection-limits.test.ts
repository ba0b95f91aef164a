import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ListenerPlan } from '../../../src/plan/listener-plan.ts'
import { ConnectionLimits, unkeptLimits } from '../../../src/proxy/connection-limits.ts'
import { FakeClock } from '../../support/fakes/clock.ts'
import { loopback, plan } from '../../support/fakes/plans.ts'

const { limits } = plan()
const older = { version: '20.51.4', namesConnections: false }
const newer = { version: '20.69.0', namesConnections: true }
const tls = { tls: {} } as Pick<ListenerPlan, 'tls'>

test('nothing asked for_off, and nothing is ever spent', () => {
  const subject = new ConnectionLimits(() => 1_000_000)
  subject.configure(limits)
  assert.equal(subject.on, false)
  assert.equal(subject.spent(1_000_000, 0), false)
})

test('requests_spent by the last one allowed', () => {
  const subject = new ConnectionLimits()
  subject.configure({ ...limits, connectionRequests: 3 })
  assert.equal(subject.on, true)
  assert.deepEqual(
    [1, 2, 3, 4].map((requests) => subject.spent(requests, 0)),
    [false, false, true, true],
  )
})

test('age_spent from that moment on', () => {
  const clock = new FakeClock()
  const subject = new ConnectionLimits(clock.read)
  subject.configure({ ...limits, connectionAgeMs: 1_000 })
  const openedAt = subject.now
  clock.advance(999)
  assert.equal(subject.spent(1_000_000, openedAt), false)
  clock.advance(1)
  assert.equal(subject.spent(1, openedAt), true)
})

test('unkept_TLS on a binding that tells no ports, and on a Unix socket', () => {
  const asked = { ...limits, connectionAgeMs: 1 }
  const secure = { ...loopback(443), ...tls }
  const listeners = [loopback(80), secure]
  assert.match(
    unkeptLimits({ limits: asked, listeners }, older)!,
    /no effect on 127\.0\.0\.1:443: .* 20\.51\.4/,
  )
  assert.equal(unkeptLimits({ limits: asked, listeners }, newer), null)
  const socket = { ...secure, unix: { path: '/run/a.sock', mode: 0o600 } } as ListenerPlan
  assert.match(unkeptLimits({ limits: asked, listeners: [socket] }, newer)!, /\/run\/a\.sock.*Unix socket/)
})

test('unkept_nothing asked for, or nothing but plain listeners_null', () => {
  assert.equal(unkeptLimits({ limits, listeners: [{ ...loopback(443), ...tls }] }, older), null)
  assert.equal(
    unkeptLimits({ limits: { ...limits, connectionRequests: 1 }, listeners: [loopback(80)] }, older),
    null,
  )
})
