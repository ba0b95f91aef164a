import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { withText } from '../../../../perf/harness/document.ts'
import { markers, renderRecord } from '../../../../perf/harness/record.ts'
import type { Results } from '../../../../perf/harness/results.ts'
import type { Row } from '../../../../perf/harness/row.ts'
import type { Summary } from '../../../../perf/harness/summary.ts'
import { small } from '../../../../perf/scenarios/routes.ts'

const perf = new URL('../../../../perf/', import.meta.url)

function same(value: number) {
  return { median: value, min: value, max: value }
}

function summary(scenario: string, subject: string, changes: Partial<Summary> = {}): Summary {
  return {
    name: subject === 'weir' ? scenario : `${scenario}@${subject}`,
    scenario,
    subject,
    baseline: scenario,
    requestsPerSecond: same(12_345),
    cpu: {
      totalUs: { median: 20.04, min: 18, max: 25 },
      userUs: same(8),
      systemUs: same(12),
      coresBusy: same(1),
      ratio: same(1),
    },
    p50Us: same(100),
    p99Us: same(900),
    p999Us: same(1_900),
    memory: { residentBytes: same(96 * 1024 * 1024), peakBytes: 0 },
    halfRate: {
      targetPerSecond: 6_000,
      failed: 0,
      p50Us: same(80),
      p99Us: same(1_234),
      p999Us: same(2_000),
    },
    passes: { systemCalls: null, allocatedBytes: null },
    failed: {},
    logBytes: same(0),
    rateRatio: same(1),
    ...changes,
  }
}

const besideNginx: Summary['cpu'] = {
  ...summary('', '').cpu!,
  ratio: { median: 1.234, min: 1.1, max: 1.4 },
}

const results: Results = {
  version: 2,
  date: '2026-01-31T12:34:56.789Z',
  revision: 'abc1234',
  harness: 'abc1234',
  peers: { nginx: '1.22.1' },
  machine: { cpu: 'a processor', cores: 2, node: 'v22.23.3', binding: '20.51.4', kernel: 'linux 6.1' },
  generator: 'wrk',
  placement: 'pinned',
  schedule: { turns: 3, seconds: 2, warmupSeconds: 1 },
  summaries: [
    summary('small', 'weir'),
    summary('small', 'nginx', { cpu: null, halfRate: null, memory: null, failed: { read: 2 } }),
    summary('features/plain', 'weir'),
    summary('tls', 'weir', { baseline: 'tls@nginx', cpu: besideNginx }),
    summary('tls', 'nginx', { baseline: 'tls@nginx' }),
    summary('origin', 'origin'),
  ],
  measured: [],
}

test('a figure in each table_with a row for each scenario that peers have run, too', () => {
  const text = renderRecord(results, 'results/some.json', 'other processes took nothing')
  assert.match(
    text,
    /^2026-01-31, abc1234: .*nginx 1\.22\.1\. 3 turns of 2 s\. Other processes took nothing\. \[some\.json\]\(results\/some\.json\)\n/,
  )
  const rows = text.split('\n').filter((line) => line.startsWith('| `'))
  const cells = rows.map((row) =>
    row
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  )
  assert.deepEqual(cells, [
    ['`small`', '20.0 (18.0..25.0)', ''],
    ['`tls`', '20.0 (18.0..25.0)', '20.0 (18.0..25.0)'],
    // Not `small`, which was divided by something else.
    ['`small`', '', ''],
    ['`tls`', '1.23 (1.10..1.40)', ''],
    ['`small`', '12,345', '12,345'],
    ['`tls`', '12,345', '12,345'],
    ['`small`', '1.23', ''],
    ['`tls`', '1.23', '1.23'],
    ['`small`', '96', ''],
    ['`tls`', '96', '96'],
  ])
  assert.match(text, /Failed requests: `small@nginx` read 2\.$/)
})

test('a row that failed or was disturbed is_marked_in_every_table, and what the marks mean stands below', () => {
  const doubtful: Results = {
    ...results,
    summaries: [
      summary('small', 'weir', { failedShare: 0, foreign: { median: 0.01, min: 0, max: 0.2 } }),
      summary('small', 'nginx', { failedShare: 0.02, foreign: null, halfRate: null }),
    ],
  }
  const text = renderRecord(doubtful, 'results/some.json', 'nothing')
  const rows = text.split('\n').filter((line) => line.startsWith('| `small`'))
  assert.match(rows[0]!, /\| +20\.0 \(18\.0\.\.25\.0\) ‡ \| +20\.0 \(18\.0\.\.25\.0\) † \|$/)
  assert.match(rows[1]!, /12,345 ‡ \| +12,345 † \|$/)
  // Nothing is no figure, and bears no mark.
  assert.match(rows[2]!, /1\.23 ‡ \| +\|$/)
  assert.match(text, /\n\n† more than 1 % .*\n\n‡ disturbed: /)
  assert.doesNotMatch(renderRecord(results, 'results/some.json', 'nothing'), /[†‡]/)
})

test('that turns were measured again stands_below_the_tables', () => {
  const row: Row = { name: 'small', baseline: 'small', subject: 'weir', scenario: small }
  const measured = [
    { row, turns: [], repeated: 2, rates: [], passes: { systemCalls: null, allocatedBytes: null } },
  ]
  assert.match(renderRecord({ ...results, measured }, 'f', 'nothing'), /\n\n2 turns were measured again, /)
})

test('perf/README.md_has a place for it, and the results that it shows are there', () => {
  const readme = readFileSync(new URL('README.md', perf), 'utf8')
  assert.ok(withText(readme, markers, 'a table').includes(`${markers.begin}\n\na table\n\n${markers.end}`))
  const shown = readme.slice(readme.indexOf(markers.begin), readme.indexOf(markers.end))
  for (const [, file] of shown.matchAll(/\]\((results\/[^)]+)\)/g)) {
    assert.ok(existsSync(new URL(file!, perf)), file)
  }
})

test('a table in which nothing would stand is_left out', () => {
  const summaries = results.summaries.filter(({ scenario }) => scenario === 'small')
  const text = renderRecord({ ...results, summaries }, 'results/some.json', 'nobody else')
  assert.match(text, /CPU microseconds/)
  assert.doesNotMatch(text, /divided by/)
})
