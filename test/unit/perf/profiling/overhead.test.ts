import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { amountOf, type LayerCounts, lines } from '../../../../perf/profiling/layers.ts'
import {
  append,
  divisionOf,
  lastOf,
  latestOf,
  type Overhead,
  readOverhead,
  writeOverhead,
} from '../../../../perf/profiling/overhead.ts'
import { renderRun } from '../../../../perf/profiling/report.ts'
import { budget } from '../../../../perf/profiling/run.ts'
import { none, run } from './runs.ts'

const folder = mkdtempSync(join(tmpdir(), 'weir-test-'))
after(() => rmSync(folder, { recursive: true }))

test('a file that is not there_has no runs', () => {
  assert.deepEqual(readOverhead(join(folder, 'none.json')), { version: 1, runs: [] })
})

test('what is written_is read again, with six digits', () => {
  const path = join(folder, 'overhead.json')
  writeOverhead(path, append({ version: 1, runs: [] }, run({ totalUs: 20.123456789 })))
  assert.deepEqual(readOverhead(path).runs, [run({ totalUs: 20.1235 })])
})

test('a file of another version_is refused', () => {
  const path = join(folder, 'other.json')
  writeFileSync(path, '{"version":2,"runs":[]}')
  assert.throws(() => readOverhead(path), /expected version 1 with runs, found version 2/)
})

test('the history that there is_is read, and each run has a figure for every layer that is no part', () => {
  const path = join(import.meta.dirname, '../../../../perf/overhead.json')
  const { runs } = readOverhead(path)
  assert.ok(runs.length >= 10)
  for (const one of runs) {
    // The control plane had no layer at first.
    const whole = lines.filter(
      ({ name, isPart }) => !isPart && (name !== 'control plane' || divisionOf(one) > 1),
    )
    const sum = whole.reduce((all, { name }) => {
      const us = amountOf(one.layers, name)
      assert.ok(us !== null, `${one.commit} has nothing for ${name}`)
      return all + us
    }, 0)
    assert.ok(Math.abs(sum - one.totalUs) < 0.001, `${one.commit}: ${sum} of ${one.totalUs}`)
  }
  assert.equal(readFileSync(path, 'utf8').endsWith('}\n'), true)
})

test('runs_are appended, and the oldest of a scenario goes when there are twenty', () => {
  let overhead: Overhead = { version: 1, runs: [run({ scenario: 'isolated' })] }
  for (let number = 1; number <= 21; number++) overhead = append(overhead, run({ commit: `c${number}` }))
  assert.equal(overhead.runs.length, 21)
  assert.equal(overhead.runs[0]!.scenario, 'isolated')
  assert.equal(overhead.runs[1]!.commit, 'c2')
  assert.equal(lastOf(overhead, 'small')!.commit, 'c21')
  assert.equal(lastOf(overhead, 'tls'), null)
  assert.deepEqual(
    latestOf(overhead).map(({ scenario, commit }) => [scenario, commit]),
    [
      ['isolated', 'abc1234'],
      ['small', 'c21'],
    ],
  )
})

test('the time of a request_is divided as the samples are', () => {
  const counts: LayerCounts = { ...none, undici: 1, 'kernel: clients': 3 }
  const parts = budget(counts, 'perf', 9, 11)
  assert.deepEqual([parts.undici, parts['kernel: clients']], [5, 15])
})

test('where the kernel was not sampled_its time is one line, and the rest is divided', () => {
  const parts = budget({ ...none, undici: 1, router: 2 }, 'perf, user only', 9, 11)
  assert.deepEqual([parts.undici, parts.router, parts['kernel: other']], [3, 6, 11])
})

test('a run_is printed beside the other profilers, with its calls', () => {
  const text = renderRun(run({ foreign: 0.3, layers: { ...none, undici: 7, bodies: 2, router: 11 } }))
  assert.match(text, /\| undici +\| +7\.00 \| 35\.0 % \| +100\.0 % \|/)
  assert.match(text, /\| exchange and headers +\| +2\.00 \| 10\.0 % \| +0\.0 % \|/)
  assert.match(text, /\| · bodies +\| +2\.00 \| 10\.0 % \| +0\.0 % \|/)
  assert.match(text, /system calls: 4\.00 \(sendto 1\.00, write 3\.00\)/)
  assert.match(text, /others had 30\.0 % of the machine/)
})
