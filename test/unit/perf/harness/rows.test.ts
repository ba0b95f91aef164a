import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Row } from '../../../../perf/harness/row.ts'
import { groups, rowsFor } from '../../../../perf/harness/rows.ts'
import type { Scenario } from '../../../../perf/harness/scenario.ts'
import { haproxy } from '../../../../perf/peers/haproxy.ts'
import { nginx } from '../../../../perf/peers/nginx.ts'
import type { Peer } from '../../../../perf/peers/peer.ts'
import { all, select } from '../../../../perf/scenarios/catalogue.ts'

const rows = (wanted: readonly Scenario[], ...peers: readonly Peer[]) =>
  rowsFor(wanted, all, peers).map(({ name, baseline }) => `${name} to ${baseline}`)

test('without nginx rows are_divided_by_the_scenario’s_own_baseline, which runs too', () => {
  assert.deepEqual(rows(select(['three']), haproxy), [
    'origin to origin',
    'three to origin',
    'three@haproxy to origin',
  ])
  assert.deepEqual(rows(select(['tls'])), ['tls to tls@origin', 'tls@origin to tls@origin'])
  assert.deepEqual(rows(select(['one/all-sync'])), ['one/off to one/off', 'one/all-sync to one/off'])
})

test('with nginx rows are_divided_by_it, and no other baseline runs', () => {
  assert.deepEqual(rows(select(['small']), nginx, haproxy), [
    'small to small@nginx',
    'small@nginx to small@nginx',
    'small@haproxy to small@nginx',
  ])
})

test('a scenario that is Weir’s alone has_no_peers', () => {
  assert.deepEqual(rows(select(['isolated/off']), nginx), ['isolated/off to isolated/off'])
})

test('a peer that cannot run a scenario is_left_out', () => {
  const simple: Peer = { ...haproxy, name: 'simple', balances: false, webSocket: false, workers: false }
  const [small] = select(['small'])
  const harder: readonly Scenario[] = [
    { ...small!, endpoints: 3 },
    { ...small!, load: { ...small!.load, protocol: 'websocket' } },
    { ...small!, workers: 2 },
  ]
  for (const scenario of harder) {
    assert.deepEqual(
      rowsFor([scenario], [scenario], [simple]).map((row) => row.subject),
      ['weir'],
    )
  }
  assert.ok(rowsFor([small!], [small!], [simple]).some((row) => row.subject === 'simple'))
})

test('rows of one group run_together, whatever they are divided by', () => {
  const [first, second, third] = rowsFor(select(['isolated', 'small']), all, [nginx])
  const named = (...wanted: readonly Row[]) => groups(wanted).map((group) => group.map(({ name }) => name))
  assert.deepEqual(named({ ...first!, group: 'g' }, second!, { ...third!, group: 'g' }), [
    ['isolated', 'small'],
    ['isolated@nginx'],
  ])
})

test('rows with one baseline run_together and the others apart', () => {
  const names = groups(rowsFor(select(['isolated', 'small', 'three']), all, [nginx])).map((group) =>
    group.map((row) => row.name),
  )
  assert.deepEqual(names, [
    ['isolated', 'isolated@nginx'],
    ['small', 'small@nginx'],
    ['three', 'three@nginx'],
  ])
})

test('beside an earlier Weir rows are_divided_by_it, peers too, but not an origin', () => {
  const named = (wanted: readonly Scenario[], ...peers: readonly Peer[]) =>
    rowsFor(wanted, all, peers, true).map(
      ({ name, baseline, subject }) => `${name} (${subject}) to ${baseline}`,
    )
  assert.deepEqual(named(select(['origin', 'small']), nginx), [
    'origin (origin) to origin',
    'small (weir) to small@before',
    'small@before (before) to small@before',
    'small@nginx (nginx) to small@before',
  ])
})
