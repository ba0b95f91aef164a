import assert from 'node:assert/strict'
import { test } from 'node:test'
import { configuration } from '../../../../perf/harness/weir.ts'
import { scenarioOf, states } from '../../../../perf/memory/states.ts'
import { readConfig } from '../../../../src/config/load.ts'

const of = (name: string) => states.find((state) => state.name === name)!
const connections = (name: string) => of(name).loads.reduce((sum, load) => sum + load.connections, 0)

test('what is asked of a worker_is that of the issue: 120 MiB with 2,000 busy connections, 200 with 10,000 idle ones', () => {
  assert.deepEqual(
    states.map(({ name, mostMiB }) => [name, mostMiB]),
    [
      ['at rest', null],
      ['busy', 120],
      ['busy with uploads', null],
      ['idle', 200],
    ],
  )
  assert.equal(connections('busy'), 2_000)
  assert.equal(connections('busy with uploads'), 2_000)
  assert.equal(of('idle').idle, 10_000)
})

test('uploads_are some of the connections, with bodies in one piece and in several', () => {
  const { loads } = of('busy with uploads')
  assert.deepEqual(
    loads.map(({ method, bodyBytes }) => [method, bodyBytes]),
    [
      ['GET', 0],
      ['POST', 16_384],
      ['POST', 1_048_576],
    ],
  )
})

for (const state of states) {
  test(`the configuration for "${state.name}"_is valid, has one worker, and a queue that refuses nobody`, () => {
    const scenario = scenarioOf(state)
    const row = { name: scenario.name, baseline: scenario.name, subject: 'weir', scenario }
    const setup = { row, origins: ['http://127.0.0.1:9001'], port: 8080, certificate: null }
    const result = readConfig(JSON.stringify(configuration(scenario.weir!, setup)))
    assert.ok(result.ok, JSON.stringify(result))
    assert.equal(result.plan.workers, 1)
    assert.ok(result.plan.upstreams[0]!.queue.limit >= connections(state.name))
    assert.ok(result.plan.limits.connections >= Math.max(connections(state.name), state.idle))
  })
}
