import assert from 'node:assert/strict'
import { test } from 'node:test'
import { countedRows } from '../../../../perf/instructions/rows.ts'
import { haproxy } from '../../../../perf/peers/haproxy.ts'
import { nginx } from '../../../../perf/peers/nginx.ts'
import type { Peer } from '../../../../perf/peers/peer.ts'
import { all, select } from '../../../../perf/scenarios/catalogue.ts'

const rows = (names: readonly string[], ...peers: readonly Peer[]) =>
  countedRows(select(names), all, peers).map(({ name, baseline }) => `${name} to ${baseline}`)

test('a scenario is_divided_by its baseline, which is counted too', () => {
  assert.deepEqual(rows(['features/target', 'features/ewma']), [
    'features/plain to features/plain',
    'features/target to features/plain',
    'features/three to features/three',
    'features/ewma to features/three',
  ])
})

test('what an origin is the baseline of_is_divided_by nothing else', () => {
  assert.deepEqual(rows(['small', 'browser']), ['small to small', 'browser to browser'])
})

test('with a peer_everything is divided by the first that can', () => {
  assert.deepEqual(rows(['small', 'features/plain'], nginx, haproxy), [
    'small to small@nginx',
    'small@nginx to small@nginx',
    'small@haproxy to small@nginx',
    'features/plain to features/plain',
  ])
})

test('what cannot be counted_is_refused_by_its name', () => {
  for (const name of ['origin', 'tls', 'websocket'])
    assert.throws(() => rows([name]), new RegExp(`"${name}" cannot be counted`))
})
