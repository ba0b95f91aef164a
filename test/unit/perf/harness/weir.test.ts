import assert from 'node:assert/strict'
import { test } from 'node:test'
import { configuration } from '../../../../perf/harness/weir.ts'
import { suites } from '../../../../perf/scenarios/catalogue.ts'
import { defaultWeir } from '../../../../perf/scenarios/routes.ts'
import { readConfig } from '../../../../src/config/load.ts'

const origins = ['http://127.0.0.1:9001', 'http://127.0.0.1:9002', 'http://127.0.0.1:9003']

for (const scenario of suites.flatMap((suite) => suite.scenarios)) {
  const { subject } = scenario
  if (subject.kind !== 'weir') continue
  test(`the configuration of ${scenario.name} is_valid_and_says_what_the_scenario_does`, () => {
    const { endpoints, workers } = subject.weir
    const content = configuration(subject.weir, origins.slice(0, endpoints), 8080)
    const result = readConfig(JSON.stringify(content))
    assert.ok(result.ok, JSON.stringify(result))
    assert.equal(result.plan.upstreams[0]!.endpoints.length, endpoints)
    assert.equal(result.plan.workers, workers)
    assert.equal(result.plan.listeners[0]!.host, '127.0.0.1')
    assert.ok(result.plan.routes.some((route) => route.path === scenario.load.path || route.path === null))
  })
}

test('settings of the upstream reach_the_configuration', () => {
  const shape = { ...defaultWeir, upstream: { pipelining: 16, balance: 'least-connections' } }
  const result = readConfig(JSON.stringify(configuration(shape, origins, 8080)))
  assert.ok(result.ok, JSON.stringify(result))
  const { pipelining, balance } = result.plan.upstreams[0]!
  assert.deepEqual({ pipelining, balance }, { pipelining: 16, balance: 'least-connections' })
})
