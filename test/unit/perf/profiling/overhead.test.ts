import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { countLayers, type LayerCounts } from '../../../../perf/profiling/layers.ts'
import {
  append,
  differences,
  lastOf,
  type Overhead,
  type OverheadRun,
  readOverhead,
  renderDifferences,
  renderOverhead,
  withOverhead,
  writeOverhead,
} from '../../../../perf/profiling/overhead.ts'
import { renderRun } from '../../../../perf/profiling/report.ts'
import { budget } from '../../../../perf/profiling/run.ts'

const folder = mkdtempSync(join(tmpdir(), 'weir-test-'))
after(() => rmSync(folder, { recursive: true }))

const none = countLayers([])
function run(changes: Partial<OverheadRun> = {}): OverheadRun {
  return {
    date: '2026-01-31T12:34:56.789Z',
    commit: 'abc1234',
    machine: { cpu: 'a CPU', cores: 2, node: 'v22.19.0', binding: '20.51.4', kernel: 'linux 6.1' },
    scenario: 'small',
    source: 'perf',
    samples: 1000,
    requestsPerSecond: 50_000,
    foreign: 0.01,
    totalUs: 20,
    userUs: 9,
    systemUs: 11,
    layers: { ...none, undici: 7, 'kernel: clients': 13 },
    systemCalls: { perRequest: 4, byName: { sendto: 1, write: 3 } },
    allocatedBytes: 6000,
    profilers: { 'cpu-prof': { ...none, undici: 1 } },
    ...changes,
  }
}

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

test('runs_are appended, and the oldest of a scenario goes when there are twenty', () => {
  let overhead: Overhead = { version: 1, runs: [run({ scenario: 'isolated' })] }
  for (let number = 1; number <= 21; number++) overhead = append(overhead, run({ commit: `c${number}` }))
  assert.equal(overhead.runs.length, 21)
  assert.equal(overhead.runs[0]!.scenario, 'isolated')
  assert.equal(overhead.runs[1]!.commit, 'c2')
  assert.equal(lastOf(overhead, 'small')!.commit, 'c21')
  assert.equal(lastOf(overhead, 'tls'), null)
})

const slower = run({
  commit: 'def5678',
  totalUs: 22,
  layers: { ...none, undici: 9, 'kernel: clients': 13 },
  systemCalls: { perRequest: 5, byName: { sendto: 1, write: 3, getpeername: 1 } },
  allocatedBytes: null,
})

test('a comparison_names what changed', () => {
  const found = differences(run(), slower)
  const of = (what: string) => found.find((one) => one.what === what)
  assert.deepEqual(of('undici, us'), { what: 'undici, us', before: 7, after: 9, digits: 2 })
  assert.deepEqual(of('  getpeername'), { what: '  getpeername', before: 0, after: 1, digits: 2 })
  assert.equal(of('allocated bytes')!.after, null)
})

test('a comparison_is printed with signs, and dashes where nothing was measured', () => {
  const text = renderDifferences(run(), slower)
  assert.match(text, /^small: abc1234 of 2026-01-31T12:34Z \(perf\) -> def5678/)
  assert.match(text, /undici, us +\| +7\.00 \| +9\.00 \| +\+2\.00/)
  assert.match(text, /kernel: clients, us +\| +13\.00 \| +13\.00 \| +0\.00/)
  assert.match(text, /allocated bytes +\| +6,000 \| +- \| +-/)
  assert.doesNotMatch(text, /Another machine/)
})

test('a comparison with another machine_says so', () => {
  const other = run({ machine: { ...run().machine, node: 'v24.0.0' } })
  assert.match(renderDifferences(other, run()), /Another machine, Node or kernel/)
})

test('a comparison with another profiler_says so', () => {
  const text = renderDifferences(run(), run({ source: 'cpu-prof' }))
  assert.match(text, /By cpu-prof and not by perf: the layers do not compare/)
})

test('the table_has the last run of each scenario and all of the history', () => {
  const overhead = { version: 1, runs: [run(), run({ scenario: 'isolated' }), slower] } as const
  const table = renderOverhead(overhead)
  assert.match(table, /\| layer, us per request +\| `small` \| `isolated` \| is/)
  assert.match(table, /\| undici +\| +9\.00 \| +7\.00 \|/)
  assert.match(table, /\| all +\| +22\.00 \| +20\.00 \|/)
  // Newest first.
  assert.match(table, /2026-01-31 def5678[\s\S]*2026-01-31 abc1234/)
})

test('a document_keeps what stands around the markers, however often it is written', () => {
  const document =
    'above\n<!-- overhead: begin, written by npm run profile -->\nold\n<!-- overhead: end -->\nbelow\n'
  const once = withOverhead(document, 'new')
  assert.equal(
    once,
    'above\n<!-- overhead: begin, written by npm run profile -->\n\nnew\n\n<!-- overhead: end -->\nbelow\n',
  )
  assert.equal(withOverhead(once, 'new'), once)
  assert.throws(() => withOverhead('nothing', 'new'), /expected "<!-- overhead: begin/)
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
  const text = renderRun(run({ foreign: 0.3 }))
  assert.match(text, /\| undici +\| +7\.00 \| 35\.0 % \| +100\.0 % \|/)
  assert.match(text, /system calls: 4\.00 \(sendto 1\.00, write 3\.00\)/)
  assert.match(text, /others had 30\.0 % of the machine/)
})
