import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { after, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
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
  const child = spawn(process.execPath, [script, ...names, ...form, '--out', out], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'exit'),
  ])
  assert.equal(code, 0, `${stdout}\n${stderr}`)
  const results = resultsIn(out)!
  assert.equal(results.unfinished, undefined)
  assert.deepEqual(
    results.summaries.map(({ name }) => name),
    names,
  )
  assert.equal(readdirSync(out).filter((name) => !name.endsWith('.svg')).length, 1)
})
