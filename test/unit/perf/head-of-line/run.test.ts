import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { processTree } from '../../../../perf/harness/cpu.ts'
import { Processes } from '../../../../perf/harness/processes.ts'
import { cases, scenarioOf } from '../../../../perf/head-of-line/cases.ts'
import { type HeadOfLineRun, measureCases } from '../../../../perf/head-of-line/run.ts'

const folder = mkdtempSync(join(tmpdir(), 'weir-test-'))
after(() => rmSync(folder, { recursive: true }))

const weir = new URL('../../../../src/cli.ts', import.meta.url).pathname

const slowMs = 20

async function measure(weirToRun: string, said: string[] = []) {
  const processes = new Processes()
  const run: HeadOfLineRun = {
    bench: { processes, folder, cores: () => null, weir: weirToRun, before: weir, allocation: false },
    cases: cases.filter(({ name }) => name === '16'),
    rates: [300],
    slowMs,
    schedule: { turns: 2, seconds: 1, settleSeconds: 0, warmupSeconds: 0 },
    seed: 1,
    say: (line) => void said.push(line),
  }
  try {
    return await measureCases(run)
  } finally {
    await processes.stopAll()
  }
}

test('each case has_a step for each turn and rate, with the same requests, and nothing is left running', {
  timeout: 120_000,
}, async () => {
  const said: string[] = []
  const measured = await measure(weir, said)
  assert.deepEqual(
    measured.map(({ name, steps }) => [name, ...steps.map(({ rate, turn }) => `${rate} ${turn}`)]),
    [
      ['16', '300 0', '300 1'],
      ['16@before', '300 0', '300 1'],
    ],
  )
  const [first, second] = measured.map(({ steps }) =>
    steps.map(({ figures: { offered, good, heldBack } }) => [
      offered,
      offered - good,
      heldBack?.slow,
      heldBack?.fast,
    ]),
  )
  assert.deepEqual(first, second)
  const [offered, failed, slowOnes, fastOnes] = first![0]!
  assert.equal(failed, 0)
  assert.ok(slowOnes! > 0 && slowOnes! + fastOnes! === offered, JSON.stringify(first))
  const { slowP50Us } = measured[0]!.steps[0]!.figures.heldBack!
  assert.ok(slowP50Us! >= slowMs * 1000 - 1_000, `${slowP50Us}`)
  assert.equal(said.filter((line) => line.startsWith('turn ')).length, 4)
  if (process.platform === 'linux')
    assert.equal(processTree(process.pid).filter((stat) => stat.parent === process.pid).length, 0)
})

test('a Weir that does not start ends_the run', { timeout: 120_000 }, async () => {
  await assert.rejects(measure(join(folder, 'missing.ts')), /head-of-line 16 ended with exit code 1/)
})

test('the first case is_the default, and all have the same load and origin', () => {
  assert.deepEqual(cases[0]?.upstream, {})
  const shapes = cases
    .map((one) => scenarioOf(one, slowMs))
    .map(({ origin, load }) => JSON.stringify([origin, load]))
  assert.equal(new Set(shapes).size, 1)
})
