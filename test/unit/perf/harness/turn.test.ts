import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { processTree } from '../../../../perf/harness/cpu.ts'
import { failedRequests, findGenerator, generatorNames } from '../../../../perf/harness/load.ts'
import { Processes, which } from '../../../../perf/harness/processes.ts'
import { rotate, runScenarios } from '../../../../perf/harness/run.ts'
import type { Scenario } from '../../../../perf/harness/scenario.ts'

const folder = mkdtempSync(join(tmpdir(), 'weir-test-'))
after(() => rmSync(folder, { recursive: true }))

const scenario: Scenario = {
  name: 'tiny',
  what: 'an origin with a short answer',
  baseline: 'tiny',
  subject: { kind: 'origin', origin: { bytes: 17 } },
  load: { threads: 1, connections: 2, path: '/' },
  placement: 'apart',
}

const linux = process.platform === 'linux'

for (const name of generatorNames) {
  const skip = name === 'wrk' && which('wrk') === null ? 'wrk is not installed' : false
  test(`one second of ${name} against an origin gives_figures_and_leaves_nothing_running`, {
    skip,
  }, async () => {
    const processes = new Processes()
    try {
      const bench = { processes, folder, cores: null, weir: '' }
      const schedule = { turns: 1, seconds: 1, warmupSeconds: 0 }
      const [measured] = await runScenarios(bench, findGenerator(name), [scenario], schedule, () => {})
      const turn = measured!.turns[0]!
      assert.ok(turn.load.requests > 0)
      assert.equal(failedRequests(turn.load), 0)
      // 17 bytes of body and a head in front of it.
      assert.ok(turn.load.bytesRead > turn.load.requests * 17 * 0.9)
      if (linux) assert.ok(turn.cpu!.userUs + turn.cpu!.systemUs > 0)
    } finally {
      await processes.stopAll()
    }
    if (linux) assert.equal(processTree(process.pid).filter((stat) => stat.parent === process.pid).length, 0)
  })
}

test('Weir that does not start is_reported_with_its_last_words', async () => {
  const processes = new Processes()
  const weir: Scenario = {
    ...scenario,
    subject: {
      kind: 'weir',
      origin: { bytes: 1 },
      weir: { endpoints: 1, workers: 1, upstream: {}, access: 'off', output: 'file', env: {} },
    },
  }
  try {
    const bench = { processes, folder, cores: null, weir: join(folder, 'missing.ts') }
    const schedule = { turns: 1, seconds: 1, warmupSeconds: 0 }
    await assert.rejects(
      runScenarios(bench, findGenerator('autocannon'), [weir], schedule, () => {}),
      /weir \(tiny\) ended with exit code 1 before it was ready\nstderr: [\s\S]*missing\.ts/,
    )
  } finally {
    await processes.stopAll()
  }
})

test('each turn begins_one_scenario_further', () => {
  const names = ['a', 'b', 'c']
  assert.deepEqual(
    [0, 1, 2, 3].map((turn) => rotate(names, turn).join('')),
    ['abc', 'bca', 'cab', 'abc'],
  )
})
