import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { withText } from '../../../../perf/harness/document.ts'
import { markers, renderRecord } from '../../../../perf/harness/record.ts'
import type { Recorded } from '../../../../perf/harness/recorded.ts'
import type { Results } from '../../../../perf/harness/results.ts'
import type { Measured } from '../../../../perf/harness/run.ts'
import type { Summary } from '../../../../perf/harness/summary.ts'
import { all } from '../../../../perf/scenarios/catalogue.ts'
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
    passes: { systemCalls: { perRequest: 4.25, byName: {} }, allocatedBytes: 1_257 },
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
    summary('small', 'nginx', {
      cpu: null,
      halfRate: null,
      memory: null,
      passes: { systemCalls: { perRequest: 5.25, byName: {} }, allocatedBytes: null },
      failed: { read: 2 },
    }),
    summary('features/plain', 'weir'),
    summary('tls', 'weir', { baseline: 'tls@nginx', cpu: besideNginx }),
    summary('tls', 'nginx', { baseline: 'tls@nginx' }),
    summary('origin', 'origin'),
  ],
  measured: [],
}

const settings = { all: [], charts: {} }
const one = (changes: Partial<Results> = {}): Recorded => ({
  file: 'results/some.json',
  results: { ...results, ...changes },
})

/** The cells of each table by its title. */
function tables(text: string): ReadonlyMap<string, readonly (readonly string[])[]> {
  const paragraphs = text.split('\n\n')
  return new Map(
    paragraphs.flatMap((paragraph, index) =>
      paragraph.startsWith('| ')
        ? [
            [
              paragraphs[index - 1]!,
              paragraph
                .split('\n')
                .filter((_, line) => line !== 1)
                .map((line) =>
                  line
                    .split('|')
                    .slice(1, -1)
                    .map((cell) => cell.trim()),
                ),
            ],
          ]
        : [],
    ),
  )
}

function tableOf(text: string, title: RegExp): readonly (readonly string[])[] {
  const found = [...tables(text)].filter(([name]) => title.test(name))
  assert.equal(found.length, 1, `${title}: ${[...tables(text).keys()].join(' ')}`)
  return found[0]![1]
}

test('what the issue asks for has_a_table each, with_a_row for each scenario that peers have run too', () => {
  const text = renderRecord([one()], settings)
  assert.match(
    text,
    /^2026-01-31, abc1234: .*nginx 1\.22\.1\. 3 turns of 2 s, after 1 s of warm-up or more\. Other processes: unknown\. \[some\.json\]\(results\/some\.json\)\n/,
  )
  assert.deepEqual(
    [...tables(text).values()],
    [
      [
        ['scenario', 'weir', 'nginx'],
        ['`small`', '20.0 (18.0..25.0)', '–'],
        ['`tls`', '20.0 (18.0..25.0)', '20.0 (18.0..25.0)'],
      ],
      // Not `small`, which was divided by something else, and not what all is divided by.
      [
        ['scenario', 'weir'],
        ['`tls`', '1.23 (1.10..1.40)'],
      ],
      [
        ['scenario', 'weir', 'nginx'],
        ['`small`', '8.0 + 12.0', '–'],
        ['`tls`', '8.0 + 12.0', '8.0 + 12.0'],
      ],
      [
        ['scenario', 'weir', 'nginx'],
        ['`small`', '12,345', '12,345'],
        ['`tls`', '12,345', '12,345'],
      ],
      [
        ['scenario', 'weir', 'nginx'],
        ['`small`', '0.08 / 1.23 / 2.00', '–'],
        ['`tls`', '0.08 / 1.23 / 2.00', '0.08 / 1.23 / 2.00'],
      ],
      [
        ['scenario', 'weir', 'nginx'],
        ['`small`', '0.10 / 0.90 / 1.90', '0.10 / 0.90 / 1.90'],
        ['`tls`', '0.10 / 0.90 / 1.90', '0.10 / 0.90 / 1.90'],
      ],
      [
        ['scenario', 'weir', 'nginx'],
        ['`small`', '4.3', '5.3'],
        ['`tls`', '4.3', '4.3'],
      ],
      [
        ['scenario', 'weir', 'nginx'],
        ['`small`', '96', '–'],
        ['`tls`', '96', '96'],
      ],
      [
        ['scenario', 'weir', 'nginx'],
        ['`small`', '1,257', '–'],
        ['`tls`', '1,257', '1,257'],
      ],
      [
        [
          'scenario',
          'CPU us/req',
          'user + system',
          'CPU ratio',
          'to',
          'req/s',
          'at half of it, ms',
          'at saturation, ms',
          'system calls',
          'allocated bytes',
        ],
        [
          '`features/plain`',
          '20.0 (18.0..25.0)',
          '8.0 + 12.0',
          '',
          '',
          '12,345',
          '0.08 / 1.23 / 2.00',
          '0.10 / 0.90 / 1.90',
          '4.3',
          '1,257',
        ],
        [
          '`origin`',
          '20.0 (18.0..25.0)',
          '8.0 + 12.0',
          '1.00',
          '`origin`',
          '12,345',
          '0.08 / 1.23 / 2.00',
          '0.10 / 0.90 / 1.90',
          '4.3',
          '1,257',
        ],
      ],
    ],
  )
  assert.match(text, /Failed requests: `small@nginx` read 2\.$/)
})

test('what runs without peers has_its_marks beside its name', () => {
  const summaries = [summary('one/off', 'weir', { failedShare: 0.5, halfRate: null })]
  const [, row] = tableOf(renderRecord([one({ summaries })], settings), /^What runs without peers/)
  assert.deepEqual([row![0], row![1], row![6]], ['`one/off` †', '20.0 (18.0..25.0)', '–'])
})

test('what is not Node has_no_column for the JavaScript heap', () => {
  const native = { passes: { systemCalls: null, allocatedBytes: null } }
  const summaries = [summary('small', 'weir'), summary('small', 'nginx', native)]
  const text = renderRecord([one({ summaries })], settings)
  assert.deepEqual(tableOf(text, /JavaScript heap/), [
    ['scenario', 'weir'],
    ['`small`', '1,257'],
  ])
})

function measured(scenario: string, subject: string, changes: Partial<Measured> = {}): Measured {
  const shape = all.find(({ name }) => name === scenario) ?? { ...small, name: scenario }
  const { name, baseline } = summary(scenario, subject)
  return {
    row: { name, baseline, subject, scenario: shape },
    turns: [],
    rates: [],
    passes: { systemCalls: null, allocatedBytes: null },
    ...changes,
  }
}

test('a cell without a figure says_below_the_table_why it has none', () => {
  const none = { halfRate: null }
  const text = renderRecord(
    [
      one({
        summaries: [
          ...['weir', 'nginx'].map((subject) => summary('varied', subject, none)),
          ...['weir', 'nginx'].map((subject) => summary('websocket', subject, none)),
          summary('small', 'weir'),
          summary('small', 'nginx', none),
        ],
        measured: ['varied', 'websocket', 'small'].map((scenario) => measured(scenario, 'weir')),
      }),
    ],
    settings,
  )
  const rows = tableOf(text, /^Latency at half/)
  assert.deepEqual(rows.slice(1), [
    ['`varied`', '–', '–'],
    ['`websocket`', '–', '–'],
    ['`small`', '0.08 / 1.23 / 2.00', '–'],
  ])
  assert.match(
    text,
    /\|\n\n– was not measured\. `varied`: h2load sends all .* header fields; `websocket`: h2load sends no WebSocket messages; `small@nginx`: h2load was missing or failed, .*\.\n\nLatency at saturation/,
  )
})

test('a figure that no row has is_named, and has_no_table', () => {
  const nothing = { halfRate: null, passes: { systemCalls: null, allocatedBytes: null } }
  const summaries = ['weir', 'nginx'].map((subject) => summary('small', subject, nothing))
  const text = renderRecord([one({ summaries })], settings)
  assert.deepEqual(
    [...tables(text).keys()].filter((title) => /at half|System calls|JavaScript/.test(title)),
    [],
  )
  assert.match(text, /\nNot measured of any row: latency at half of the rate, system calls\.\n/)
  assert.doesNotMatch(text, /divided by/)
})

test('a row that failed or was disturbed is_marked_in_every_table, and what the marks mean stands below', () => {
  const text = renderRecord(
    [
      one({
        summaries: [
          summary('small', 'weir', { failedShare: 0, foreign: { median: 0.01, min: 0, max: 0.2 } }),
          summary('small', 'nginx', { failedShare: 0.02, foreign: null, halfRate: null }),
        ],
      }),
    ],
    settings,
  )
  assert.deepEqual(tableOf(text, /^CPU micro/)[1], ['`small`', '20.0 (18.0..25.0) ‡', '20.0 (18.0..25.0) †'])
  assert.deepEqual(tableOf(text, /^Requests/)[1], ['`small`', '12,345 ‡', '12,345 †'])
  // Nothing is no figure, and bears no mark.
  assert.deepEqual(tableOf(text, /^Latency at half/)[1], ['`small`', '0.08 / 1.23 / 2.00 ‡', '–'])
  assert.match(text, /\n\n† more than 1 % .*\n\n‡ disturbed: /)
  assert.doesNotMatch(renderRecord([one()], settings), /[†‡]/)
})

test('that turns were measured again stands_below_the_tables', () => {
  const text = renderRecord([one({ measured: [measured('small', 'weir', { repeated: 2 })] })], settings)
  assert.match(text, /\n\n2 turns were measured again, /)
})

test('rows whose warm-up was too short are_named', () => {
  const rows = [true, false, null].map((settled, index) =>
    measured(['small', 'tls', 'origin'][index]!, 'weir', { settled }),
  )
  const text = renderRecord([one({ measured: rows })], settings)
  assert.match(text, /\nCPU time that still changed when the warm-up was over: `tls`\.\n/)
})

test('what failed at half of the rate is_not_passed_over', () => {
  const halfRate = { ...summary('', '').halfRate!, failed: 1_200 }
  const summaries = [summary('small', 'weir'), summary('small', 'nginx', { halfRate })]
  assert.match(
    renderRecord([one({ summaries })], settings),
    /\nNo request failed in a turn\. At half of the rate: `small@nginx` 1,200\.$/,
  )
})

test('a peer that a run had and that can run a scenario failed_there where it has no row', () => {
  const peers = { nginx: '1.22.1', caddy: '2.6.2', 'http-proxy-3': '2.0.1', gone: '1' }
  const scenarios = ['small', 'websocket', 'origin']
  const text = renderRecord(
    [
      one({
        peers,
        summaries: scenarios.flatMap((name) => [summary(name, 'weir'), summary(name, 'nginx')]),
        measured: scenarios.map((name) => measured(name, 'weir')),
      }),
    ],
    settings,
  )
  assert.match(
    text,
    /\nFailed, and without a row: `small@caddy`, `small@http-proxy-3`, `websocket@caddy`\.\n/,
  )
})

test('scenarios stand_in_the_catalogues_order, and those that no run has beside a peer are_named', () => {
  const summaries = ['tls', 'small'].flatMap((name) => [summary(name, 'haproxy'), summary(name, 'weir')])
  const text = renderRecord([one({ summaries })], { ...settings, all })
  assert.deepEqual(tableOf(text, /^Requests/), [
    ['scenario', 'weir', 'haproxy'],
    ['`small`', '12,345', '12,345'],
    ['`tls`', '12,345', '12,345'],
  ])
  const named = /\nIn no run beside a peer: (.*)\.\n/.exec(text)?.[1]?.split(', ') ?? []
  assert.ok(named.includes('`isolated`') && named.includes('`websocket`'), text)
  assert.ok(!['`small`', '`tls`', '`origin`'].some((name) => named.includes(name)), text)
})

test('tables of several runs say_of_which_each_row_is, and what those were', () => {
  const first = one({ summaries: [summary('small', 'weir'), summary('small', 'nginx')], unfinished: true })
  const second: Recorded = {
    file: 'results/other.json',
    results: {
      ...results,
      revision: 'def5678',
      date: '2026-02-01T00:00:00.000Z',
      summaries: [summary('tls', 'weir'), summary('tls', 'nginx')],
    },
  }
  const text = renderRecord([first, second], settings)
  assert.deepEqual(tableOf(text, /^Requests/), [
    ['scenario', 'run', 'weir', 'nginx'],
    ['`small`', '2026-01-31 abc1234', '12,345', '12,345'],
    ['`tls`', '2026-02-01 def5678', '12,345', '12,345'],
  ])
  assert.match(
    text,
    /^Of 2 runs; .*\n\n- \*\*2026-01-31 abc1234\*\*: 2026-01-31, abc1234: .* stopped before its end.*\(results\/some\.json\)\n- \*\*2026-02-01 def5678\*\*: 2026-02-01, .*\(results\/other\.json\)\n/,
  )
  assert.doesNotMatch(text.split('\n')[3]!, /stopped/)
  assert.match(text, /\nAn empty cell: .*, or that run was without it\.\n/)
})

test('charts are_shown where they were drawn', () => {
  const text = renderRecord([one()], { ...settings, charts: { 'CPU per request': 'charts/cpu.svg' } })
  assert.match(text, /\n\n!\[CPU per request\]\(charts\/cpu\.svg\)\n\n/)
})

test('perf/TABLES.md_has a place for it, and what it shows and links to is there', () => {
  const tables = readFileSync(new URL('TABLES.md', perf), 'utf8')
  assert.ok(withText(tables, markers, 'a table').includes(`${markers.begin}\n\na table\n\n${markers.end}`))
  const shown = tables.slice(tables.indexOf(markers.begin), tables.indexOf(markers.end))
  const links = [...shown.matchAll(/\]\(([^)]+)\)/g)].map(([, file]) => file!)
  assert.ok(links.some((file) => file.startsWith('results/')))
  for (const file of links) assert.ok(existsSync(new URL(file, perf)), file)
})
