import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { describeMachine, type Machine, thisMachine } from '../../../../perf/harness/machine.ts'

const machine: Machine = {
  cpu: 'a CPU',
  cores: 2,
  node: 'v22.19.0',
  binding: '20.51.4',
  kernel: 'linux 6.1',
}
const plain = 'a CPU, 2 cores; Node v22.19.0; uWebSockets.js 20.51.4; linux 6.1'

test('a congestion control that is not the usual one is_named, and nothing is said of others', () => {
  assert.equal(describeMachine(machine), plain)
  assert.equal(describeMachine({ ...machine, congestionControl: 'cubic' }), plain)
  assert.equal(describeMachine({ ...machine, congestionControl: 'bbr' }), `${plain}, TCP with bbr`)
})

test('one core is_no_plural', () => {
  assert.match(describeMachine({ ...machine, cores: 1 }), /^a CPU, 1 core; /)
})

const file = '/proc/sys/net/ipv4/tcp_congestion_control'

test('this machine’s_congestion_control_is_recorded where it can be read', () => {
  const expected = existsSync(file) ? readFileSync(file, 'utf8').trim() : undefined
  assert.equal(thisMachine().congestionControl, expected)
})
