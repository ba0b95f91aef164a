import assert from 'node:assert/strict'
import { test } from 'node:test'
import { renderOverhead, renderPictures, renderProfilers } from '../../../../perf/profiling/tables.ts'
import { none, olderRun, run } from './runs.ts'

const slower = run({
  commit: 'def5678',
  totalUs: 22,
  layers: { ...none, undici: 9, 'endpoint connections': 1, 'request headers': 0.5, 'kernel: clients': 11.5 },
  profilers: {
    'cpu-prof': { ...none, 'endpoint connections': 0.75, undici: 0.25 },
    clinic: { ...none, 'endpoint connections': 0.5, undici: 0.125, 'Node, V8 and libuv': 0.375 },
  },
})
const overhead = { version: 1, runs: [run(), run({ scenario: 'isolated' }), slower] } as const
const old = { version: 1, runs: [olderRun()] } as const

test('the table_has the last run of each scenario and all of the history', () => {
  const table = renderOverhead(overhead)
  assert.match(table, /\| layer, us per request +\| `small` \| `isolated` \| is/)
  assert.match(table, /\| undici +\| +9\.00 \| +7\.00 \|/)
  assert.match(table, /\| exchange and headers +\| +1\.50 \| +0\.00 \|/)
  assert.match(table, /\| · endpoint connections +\| +1\.00 \| +0\.00 \|/)
  assert.match(table, /\| all +\| +22\.00 \| +20\.00 \|/)
  // Newest first.
  assert.match(table, /2026-01-31 def5678[\s\S]*2026-01-31 abc1234/)
  assert.doesNotMatch(table, /†/)
})

test('the history_has no parts, and marks runs of another division with what that means', () => {
  const table = renderOverhead({ version: 1, runs: [olderRun(), slower] })
  const history = table.slice(table.indexOf('| run '))
  assert.match(history, /^\| run +\| scenario +\| +all \| .* exchange and headers \| router \|/)
  assert.doesNotMatch(history.split('\n')[0]!, /·/)
  assert.match(history, /\| 2026-01-31 def5678 +\| `small` +\| 22\.0 \| .* 1\.50 \|/)
  assert.match(history, /\| 2026-01-31 old1234 † +\| `small` +\| 20\.0 \| .* 4\.00 \|/)
  assert.match(history, /\n\n† of the division before: /)
})

test('a last run of another division_has a figure for what has parts, and none for them', () => {
  const table = renderOverhead(old)
  assert.match(table, /\| exchange and headers +\| +4\.00 \|/)
  assert.match(table, /\| · request headers +\| +- \|/)
})

test('the profilers_stand side by side, of the last run of each scenario, with what none saw left out', () => {
  const table = renderProfilers({ version: 1, runs: [run(), slower] })
  assert.match(
    table,
    /^`small` at def5678 on 2026-01-31, Node v22\.19\.0\.\n\n\| layer +\| `small`: perf \| cpu-prof \| clinic \|/,
  )
  assert.match(table, /\| undici +\| +40\.9 % \| +25\.0 % \| +12\.5 % \|/)
  assert.match(table, /\| exchange and headers +\| +6\.8 % \| +75\.0 % \| +50\.0 % \|/)
  assert.match(table, /\| · endpoint connections +\| +4\.5 % \| +75\.0 % \| +50\.0 % \|/)
  assert.doesNotMatch(table, /balancer|WebSockets/)
})

test('the profilers of a run of another division_stand there without parts', () => {
  const table = renderProfilers(old)
  assert.match(table, /\| exchange and headers +\| +20\.0 % \| +75\.0 % \| +62\.5 % \|/)
  assert.match(table, /\| kernel: clients +\| +55\.0 % \| +0\.0 % \| +0\.0 % \|/)
  assert.doesNotMatch(table, /·/)
})

test('a picture_says of which run it is', () => {
  const text = renderPictures(overhead, 'profiles', null)
  assert.equal(
    text,
    [
      '![CPU of small by layer](profiles/small.svg)',
      '`small` at def5678 on 2026-01-31: 22.0 us of CPU per request, divided by perf. a CPU, Node v22.19.0, linux 6.1; other processes had 1 % of the machine.',
      '![CPU of isolated by layer](profiles/isolated.svg)',
      '`isolated` at abc1234 on 2026-01-31: 20.0 us of CPU per request, divided by perf. a CPU, Node v22.19.0, linux 6.1; other processes had 1 % of the machine.',
    ].join('\n\n'),
  )
  assert.doesNotMatch(renderPictures(overhead, 'perf/profiles', ['small']), /isolated/)
  assert.match(renderPictures(overhead, 'perf/profiles', ['small']), /\(perf\/profiles\/small\.svg\)/)
})

test('nothing recorded_is said', () => {
  const empty = { version: 1, runs: [] } as const
  for (const text of [renderOverhead(empty), renderProfilers(empty), renderPictures(empty, 'profiles', null)])
    assert.equal(text, 'No run is recorded yet.')
})
