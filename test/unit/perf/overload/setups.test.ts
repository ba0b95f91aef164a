import assert from 'node:assert/strict'
import { test } from 'node:test'
import { configuration as weirConfiguration } from '../../../../perf/harness/weir.ts'
import { closedLoopVariants, mostConnections, setups, timeoutMs } from '../../../../perf/overload/setups.ts'
import { configuration as haproxyConfiguration } from '../../../../perf/peers/haproxy.ts'
import { findPeer } from '../../../../perf/peers/peers.ts'
import { readConfig } from '../../../../src/config/load.ts'

test('the closed loop has_both_applications, with scenarios of their own', () => {
  assert.deepEqual(
    closedLoopVariants.map(({ name, scenario }) => [name, scenario.origin.fastApi?.workMs]),
    [
      ['alone', undefined],
      ['weir 1', undefined],
      ['weir 3', undefined],
      ['alone, 1 ms', 1],
      ['weir 1, 1 ms', 1],
      ['weir 3, 1 ms', 1],
    ],
  )
  // Files and origins go by the scenario's name.
  assert.equal(
    new Set(closedLoopVariants.map(({ scenario }) => scenario.name)).size,
    closedLoopVariants.length,
  )
})

for (const setup of setups) {
  const origins = Array.from(
    { length: setup.scenario.endpoints },
    (_, index) => `http://127.0.0.1:${9001 + index}`,
  )
  const setupOf = (subject: string, scenario = setup.scenario) => {
    const row = { name: setup.name, baseline: setup.name, subject, scenario }
    return { row, origins, port: 8080, certificate: null, write: () => '', folder: '' }
  }

  test(`every variant of ${setup.name} has_the_same_origins_and_the_same_load`, () => {
    for (const { scenario, subject } of setup.variants) {
      assert.deepEqual({ ...scenario, weir: null }, { ...setup.scenario, weir: null })
      if (subject !== 'weir' && subject !== 'origin') findPeer(subject)
    }
  })

  test(`a target in ${setup.name} is_that_of_the_configuration`, () => {
    for (const { scenario, subject, targetMs } of setup.variants) {
      if (subject !== 'weir') continue
      const read = readConfig(JSON.stringify(weirConfiguration(scenario.weir!, setupOf(subject, scenario))))
      assert.ok(read.ok, JSON.stringify(read))
      assert.equal(read.plan.upstreams[0]!.queue.targetMs, targetMs ?? 0)
      assert.ok(read.plan.limits.connections > mostConnections, 'whom it closes it cannot answer')
    }
  })

  test(`HAProxy in ${setup.name} bounds_each_server, and its queue below what a client waits`, () => {
    const text = haproxyConfiguration(setupOf('haproxy'))
    const { perEndpoint, queueMs } = setup.scenario.protection!
    assert.equal([...text.matchAll(/^ {2}server origin\d+ \S+ maxconn (\d+)$/gm)].length, origins.length)
    assert.ok(text.includes(` maxconn ${perEndpoint}\n`) && text.includes(`\n  timeout queue ${queueMs}ms\n`))
    assert.ok(queueMs < timeoutMs)
  })
}
