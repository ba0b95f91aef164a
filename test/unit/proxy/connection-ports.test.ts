import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ConnectionLimits, type Peer } from '../../../src/proxy/connection-limits.ts'
import { ConnectionPorts } from '../../../src/proxy/connection-ports.ts'
import { plan } from '../../support/fakes/plans.ts'

function peer(port: number, host = 7): Peer {
  return { getRemoteAddress: () => new Uint8Array([192, 0, 2, host]).buffer, getRemotePort: () => port }
}

function ports(connectionRequests: number): ConnectionPorts {
  const limits = new ConnectionLimits()
  limits.configure({ ...plan().limits, connectionRequests })
  return new ConnectionPorts(limits)
}

test('requests_counted for each address and port by itself', () => {
  const subject = ports(3)
  const [a, b, c] = [peer(1), peer(2), peer(1, 8)]
  for (const each of [a, b, c]) subject.opened(each)
  assert.deepEqual(
    [a, a, b, c, a, b, c, b].map((one) => subject.isLast(one)),
    [false, false, false, false, true, false, false, true],
  )
})

test('a connection opened_begins anew, whoever had its port before', () => {
  const subject = ports(2)
  const one = peer(1)
  subject.opened(one)
  assert.equal(subject.isLast(one), false)
  subject.opened(one)
  assert.equal(subject.isLast(one), false)
  assert.equal(subject.isLast(one), true)
})

test('one that was open before a limit was asked for_counts from its first request', () => {
  const subject = ports(2)
  assert.equal(subject.isLast(peer(1)), false)
  assert.equal(subject.isLast(peer(1)), true)
})

test('very many connections_memory is bounded, and who goes on asking is not forgotten', () => {
  const subject = ports(1_000)
  const busy = peer(0)
  subject.opened(busy)
  let last = false
  for (let port = 1; port <= 60_000; port++) {
    subject.opened(peer(port))
    if (port % 100 === 0) last = subject.isLast(busy)
  }
  assert.equal(last, false)
  for (let more = 600; more < 999; more++) assert.equal(subject.isLast(busy), false)
  assert.equal(subject.isLast(busy), true)
})
