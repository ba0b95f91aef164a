import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { processTree } from '../../../../perf/harness/cpu.ts'
import { Processes } from '../../../../perf/harness/processes.ts'
import { measureSetup, type OverloadRun } from '../../../../perf/overload/run.ts'
import { type Setup, setups } from '../../../../perf/overload/setups.ts'

const folder = mkdtempSync(join(tmpdir(), 'weir-test-'))
after(() => rmSync(folder, { recursive: true }))

const weir = new URL('../../../../src/cli.ts', import.meta.url).pathname

async function measure(processes: Processes, setup: Setup, cli: string, said: string[] = []) {
  const run: OverloadRun = {
    bench: { processes, folder, weir: cli, allocation: false },
    cores: null,
    schedule: { turns: 1, seconds: 1, warmupSeconds: 0, settleSeconds: 0 },
    loads: [0.5, 2],
    seed: 1,
    say: (line) => void said.push(line),
  }
  try {
    return await measureSetup(run, setup)
  } finally {
    await processes.stopAll()
  }
}

const only = (...names: readonly string[]): Setup => {
  const [slots] = setups
  return { ...slots!, variants: slots!.variants.filter(({ name }) => names.includes(name)) }
}

test('a setup gives_a_step_for_each_variant_and_load, with the same arrivals, and leaves nothing running', {
  timeout: 120_000,
}, async () => {
  const measured = await measure(new Processes(), only('weir', 'direct'), weir)
  assert.ok(measured.capacity > 0 && measured.failed.length === 0, measured.failed.join('\n'))
  const loads = measured.variants.map(({ name, steps }) => [name, ...steps.map(({ load }) => load)])
  assert.deepEqual(loads, [
    ['weir', 0.5, 2],
    ['direct', 0.5, 2],
  ])
  const [first, second] = measured.variants.map(({ steps }) => steps.map(({ figures }) => figures.offered))
  assert.deepEqual(first, second)
  for (const { figures } of measured.variants.flatMap(({ steps }) => steps)) assert.ok(figures.offered > 0)
  if (process.platform === 'linux')
    assert.equal(processTree(process.pid).filter((stat) => stat.parent === process.pid).length, 0)
})

test('a variant that does not start is_reported_and_left_out', { timeout: 120_000 }, async () => {
  const said: string[] = []
  const measured = await measure(new Processes(), only('weir', 'direct'), join(folder, 'missing.ts'), said)
  assert.deepEqual(
    measured.variants.map(({ name }) => name),
    ['direct'],
  )
  assert.match(measured.failed[0]!, /^FAILED: slots\/weir: .*ended with exit code 1/)
  assert.ok(said.some((line) => line === measured.failed[0]))
})
