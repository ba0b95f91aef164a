import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { after, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { chartsMissing } from '../../../perf/harness/charts.ts'
import type { Results } from '../../../perf/harness/results.ts'

const folder = mkdtempSync(join(tmpdir(), 'weir-test-'))
after(() => rmSync(folder, { recursive: true, force: true }))

const script = fileURLToPath(new URL('../../../perf/bench.ts', import.meta.url))

/** Two groups of one row each, in the order in which they are measured. */
const names = ['isolated/off', 'one/off']
const form = ['--turns', '1', '--seconds', '1', '--warmup', '0', '--no-passes', '--generator', 'autocannon']

function resultsIn(out: string): Results | null {
  const [file] = existsSync(out) ? readdirSync(out).filter((name) => name.endsWith('.json')) : []
  return file === undefined ? null : (JSON.parse(readFileSync(join(out, file), 'utf8')) as Results)
}

test('a run that is interrupted leaves_the_groups_that_it_has_measured, and says that it is not whole', {
  timeout: 120_000,
}, async () => {
  const out = join(folder, 'interrupted')
  const child = spawn(process.execPath, [script, ...names, ...form, '--out', out], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const outputs = Promise.all([text(child.stdout), text(child.stderr)])
  const ended = once(child, 'exit')
  while (resultsIn(out) === null && child.exitCode === null) await sleep(20)
  child.kill('SIGINT')
  const [code] = await ended
  assert.equal(code, 130, (await outputs).join('\n'))
  const results = resultsIn(out)!
  assert.equal(results.unfinished, true)
  assert.deepEqual(
    results.summaries.map(({ name }) => name),
    names.slice(0, 1),
  )
  assert.equal(results.measured[0]!.turns.length, 1)
})

test('a run that comes to its end leaves_one_file_that_is_whole', { timeout: 120_000 }, async () => {
  const out = join(folder, 'whole')
  const { stdout, stderr, status } = await bench(...names, ...form, '--out', out)
  assert.equal(status, 0, `${stdout}\n${stderr}`)
  const results = resultsIn(out)!
  assert.equal(results.unfinished, undefined)
  assert.deepEqual(
    results.summaries.map(({ name }) => name),
    names,
  )
  assert.equal(readdirSync(out).filter((name) => !name.endsWith('.svg')).length, 1)
})

async function bench(...args: readonly string[]) {
  const child = spawn(process.execPath, [script, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  const [stdout, stderr, [status]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'exit'),
  ])
  return { stdout, stderr, status }
}

const perf = fileURLToPath(new URL('../../../perf/', import.meta.url))
const measuredBefore = ['2026-11-29T213902Z-0e7e224', '2026-11-29T214345Z-0e7e224'].map((name) =>
  join(perf, 'results', `${name}.json`),
)

test('earlier results become_tables_and_charts, and nothing is measured', { timeout: 120_000 }, async () => {
  const out = join(folder, 'recorded')
  const { stdout, stderr, status } = await bench('--record', ...measuredBefore, '--out', out)
  assert.equal(status, 0, `${stdout}\n${stderr}`)
  const drawn = chartsMissing() === null ? ['cpu.svg'] : []
  assert.deepEqual(readdirSync(out).toSorted(), [...drawn, 'record.md'])
  const document = readFileSync(join(out, 'record.md'), 'utf8')
  assert.match(document, /\n\| `small` +\| 2026-11-29 0e7e224 \(1\) \| +25\.4 /)
  assert.match(document, /\n\| `browser` +\| 2026-11-29 0e7e224 \(2\) \| +27\.6 /)
  assert.match(stdout, /^\S+2026-11-29T213902Z-0e7e224\.json: isolated, small\n/)
})

test('a file that the document could not link to is_refused, and the document is_left as it was', async () => {
  const readme = () => readFileSync(join(perf, 'README.md'), 'utf8')
  const elsewhere = join(folder, 'elsewhere.json')
  copyFileSync(measuredBefore[0]!, elsewhere)
  const before = readme()
  const { stdout, stderr, status } = await bench('--record', elsewhere)
  assert.deepEqual([status, stdout], [1, ''])
  assert.match(stderr, /elsewhere\.json: expected a file in .*perf\/results, .*--out FOLDER\n$/)
  assert.equal(readme(), before)
})
