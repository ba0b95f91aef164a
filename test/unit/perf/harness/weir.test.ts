import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Scenario } from '../../../../perf/harness/scenario.ts'
import { configuration } from '../../../../perf/harness/weir.ts'
import { all } from '../../../../perf/scenarios/catalogue.ts'
import { defaultWeir, small } from '../../../../perf/scenarios/routes.ts'
import { readConfig } from '../../../../src/config/load.ts'

function read(scenario: Scenario) {
  const origins = Array.from({ length: scenario.endpoints }, (_, index) => `http://127.0.0.1:${9001 + index}`)
  const row = { name: scenario.name, baseline: scenario.name, subject: 'weir', scenario }
  const setup = { row, origins, port: 8080, certificate: null }
  return readConfig(JSON.stringify(configuration(scenario.weir ?? defaultWeir, setup)))
}

for (const scenario of all.filter(({ weir }) => weir !== null)) {
  test(`the configuration of ${scenario.name} is_valid_and_says_what_the_scenario_does`, () => {
    const result = read(scenario)
    assert.ok(result.ok, JSON.stringify(result))
    assert.equal(result.plan.upstreams[0]!.endpoints.length, scenario.endpoints)
    assert.equal(result.plan.workers, scenario.workers)
    assert.equal(result.plan.listeners[0]!.host, '127.0.0.1')
    assert.ok(result.plan.routes.some((route) => route.path === scenario.load.path || route.path === null))
  })
}

test('settings of the upstream reach_the_configuration', () => {
  const weir = { ...defaultWeir, upstream: { pipelining: 16, balance: 'least-connections' } }
  const result = read({ ...small, endpoints: 3, weir })
  assert.ok(result.ok, JSON.stringify(result))
  const { pipelining, balance } = result.plan.upstreams[0]!
  assert.deepEqual({ pipelining, balance }, { pipelining: 16, balance: 'least-connections' })
})

test('what features cost that are off_is nothing: said to be or not, the same plan comes of it', () => {
  const [plain, off] = ['features/plain', 'features/off'].map((name) => {
    const result = read(all.find((scenario) => scenario.name === name)!)
    assert.ok(result.ok, JSON.stringify(result))
    return result.plan
  })
  assert.deepEqual(off, plain)
})

test('a listener with TLS has_the_certificate', () => {
  const row = { name: 'tls', baseline: 'tls', subject: 'weir', scenario: { ...small, tls: true } }
  const certificate = { cert: '/tmp/cert.pem', key: '/tmp/key.pem', both: '/tmp/both.pem' }
  const content = configuration(defaultWeir, { row, origins: [], port: 8443, certificate })
  assert.deepEqual((content as { listen: unknown }).listen, [
    { host: '127.0.0.1', port: 8443, tls: { cert: '/tmp/cert.pem', key: '/tmp/key.pem' } },
  ])
})
