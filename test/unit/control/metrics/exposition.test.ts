import assert from 'node:assert/strict'
import { test } from 'node:test'
import { contentType, exposition, type Known } from '../../../../src/control/metrics/exposition.ts'
import { outcomes } from '../../../../src/plan/outcome.ts'
import { durationBoundsMs, type RequestStats, responseClasses } from '../../../../src/plan/request-stats.ts'
import { bucketsOf, readExposition } from '../../../support/exposition.ts'
import { endpointPlan, upstreamPlan } from '../../../support/fakes/plans.ts'
import { endpointStats, workerStats } from '../../../support/fakes/stats.ts'

async function told(known: Partial<Known> = {}) {
  return readExposition(
    await exposition({
      facts: { workers: 2, workerDeaths: 3, reloads: 4, reloadsRefused: 5 },
      workers: [],
      upstreams: [],
      unhealthy: new Set(),
      ...known,
    }),
  )
}

test('content type_of the text format', () => {
  assert.match(contentType, /^text\/plain; version=0\.0\.4/)
})

test('control process_its own figures', async () => {
  const { samples, kinds } = await told()
  assert.deepEqual(
    [...samples],
    [
      ['weir_workers', 2],
      ['weir_worker_deaths_total', 3],
      ['weir_reloads_total', 4],
      ['weir_reloads_refused_total', 5],
    ],
  )
  assert.deepEqual([kinds.get('weir_workers'), kinds.get('weir_reloads_total')], ['gauge', 'counter'])
})

test('worker_every outcome from the first moment, those that have not occurred as 0', async () => {
  const { samples } = await told({ workers: [{ number: 1, stats: workerStats({ outcomes: { shed: 7 } }) }] })
  for (const { code, fault } of Object.values(outcomes)) {
    const count = samples.get(`weir_exchanges_total{fault="${fault}",outcome="${code}",worker="1"}`)
    assert.equal(count, code === 'shed' ? 7 : 0, code)
  }
})

test('worker that has not answered_down, and nothing else of it', async () => {
  const { samples } = await told({
    workers: [
      { number: 1, stats: null },
      { number: 2, stats: workerStats({ inFlight: 3, rssBytes: 1e8 }) },
    ],
  })
  assert.equal(samples.get('weir_worker_up{worker="1"}'), 0)
  assert.equal(samples.get('weir_worker_up{worker="2"}'), 1)
  assert.equal(samples.get('weir_in_flight{worker="2"}'), 3)
  assert.equal(samples.get('weir_worker_resident_memory_bytes{worker="2"}'), 1e8)
  assert.deepEqual(
    [...samples.keys()].filter((key) => key.includes('worker="1"')),
    ['weir_worker_up{worker="1"}'],
  )
})

test('upstream_its limit, failing open, and seconds where they are known', async () => {
  const upstream = { inFlight: 1, queued: 2, concurrency: 3, retries: { sent: 4, withheld: 5 } }
  const hedging = { afterMs: null, sent: 1, won: 0, withheld: 2 }
  const { samples } = await told({
    workers: [
      {
        number: 1,
        stats: workerStats({
          upstreams: [
            { name: 'a', ...upstream, baseMs: 12.5 },
            { name: 'b', ...upstream, baseMs: null, hedging },
          ],
          failingOpen: ['b'],
        }),
      },
    ],
  })
  const of = (name: string, upstream: string) =>
    samples.get(`weir_upstream_${name}{upstream="${upstream}",worker="1"}`)
  assert.deepEqual([of('in_flight', 'a'), of('queued', 'a'), of('concurrency', 'a')], [1, 2, 3])
  assert.deepEqual([of('base_latency_seconds', 'a'), of('base_latency_seconds', 'b')], [0.0125, undefined])
  assert.deepEqual([of('failing_open', 'a'), of('failing_open', 'b')], [0, 1])
  assert.deepEqual([of('retries_sent_total', 'a'), of('retries_withheld_total', 'a')], [4, 5])
  assert.deepEqual(
    ['hedge_delay_seconds', 'hedges_sent_total', 'hedges_won_total', 'hedges_withheld_total'].map((name) =>
      of(name, 'b'),
    ),
    [undefined, 1, 0, 2],
  )
  assert.equal(of('hedges_sent_total', 'a'), undefined)
})

/** Requests that took 0.5 to 1 ms, and 0.25 to 0.5 s, and more than a minute. */
const threeDurations = durationBoundsMs.map((bound) => (bound === 1 ? 5 : bound === 500 ? 3 : 0))

const counted: RequestStats = {
  durations: [...threeDurations, 1],
  sumMs: 91_250,
  responses: responseClasses.map((name) => ({ '2xx': 6, '5xx': 2, none: 1 })[name as string] ?? 0),
}

const served = (name: string, requests?: RequestStats) => ({
  name,
  inFlight: 0,
  queued: 0,
  concurrency: 1,
  retries: { sent: 0, withheld: 0 },
  ...(requests === undefined ? undefined : { requests }),
})

test('durations_as many as took so long or less, for each upstream and worker', async () => {
  const { samples, kinds } = await told({
    workers: [
      { number: 1, stats: workerStats({ upstreams: [served('a', counted), served('b"\\', counted)] }) },
      { number: 2, stats: workerStats({ upstreams: [served('a', counted)] }) },
    ],
  })
  const name = 'weir_request_duration_seconds'
  assert.equal(kinds.get(name), 'histogram')
  const a = '{upstream="a",worker="1"}'
  const buckets = bucketsOf(name, a, samples).map(([key, count]) => [/le="([^"]+)"/.exec(key)?.[1], count])
  assert.deepEqual(buckets, [
    ['0.001', 5],
    ['0.0025', 5],
    ['0.005', 5],
    ['0.01', 5],
    ['0.025', 5],
    ['0.05', 5],
    ['0.1', 5],
    ['0.25', 5],
    ['0.5', 8],
    ['1', 8],
    ['2.5', 8],
    ['5', 8],
    ['10', 8],
    ['60', 8],
    ['+Inf', 9],
  ])
  for (const labels of [a, '{upstream="b\\"\\\\",worker="1"}', '{upstream="a",worker="2"}']) {
    assert.equal(samples.get(`${name}_count${labels}`), 9, labels)
    assert.equal(samples.get(`${name}_sum${labels}`), 91.25, labels)
  }
})

test('responses_every class from the first moment, those that have not occurred as 0', async () => {
  const { samples, kinds } = await told({
    workers: [{ number: 1, stats: workerStats({ upstreams: [served('a', counted)] }) }],
  })
  assert.equal(kinds.get('weir_responses_total'), 'counter')
  const of = (name: string) => samples.get(`weir_responses_total{class="${name}",upstream="a",worker="1"}`)
  assert.deepEqual(
    responseClasses.map((name) => [name, of(name)]),
    [
      ['2xx', 6],
      ['3xx', 0],
      ['4xx', 0],
      ['5xx', 2],
      ['truncated', 0],
      ['none', 1],
    ],
  )
})

test('worker that has not counted requests_neither durations nor responses of it, those of the others', async () => {
  const name = 'weir_request_duration_seconds_count'
  const before = workerStats({ upstreams: [served('a')] })
  const nobody = await told({ workers: [{ number: 1, stats: before }] })
  assert.deepEqual(
    [...nobody.kinds.keys()].filter((kind) => /duration|responses/.test(kind)),
    [],
  )
  const one = await told({
    workers: [
      { number: 1, stats: before },
      { number: 2, stats: workerStats({ upstreams: [served('a', counted)] }) },
    ],
  })
  assert.deepEqual(
    [...one.samples.keys()].filter((key) => key.startsWith(name)),
    [`${name}{upstream="a",worker="2"}`],
  )
})

test('endpoint_the verdict of the checks once, that of requests by worker', async () => {
  const upstreams = [upstreamPlan({ name: 'app', endpoints: [endpointPlan('a', 1), endpointPlan('b', 2)] })]
  const { samples } = await told({
    upstreams,
    unhealthy: new Set(['app/a']),
    workers: [
      {
        number: 1,
        stats: workerStats({
          endpoints: [
            endpointStats('app/a', { outlier: 'probing', ejections: 2, attempts: 9, connections: 4 }),
            endpointStats('app/b', { inFlight: 1 }),
            endpointStats('app/gone', { attempts: 1 }),
          ],
        }),
      },
    ],
  })
  const a = 'endpoint="http://127.0.0.1:1",upstream="app"'
  const b = 'endpoint="http://127.0.0.1:2",upstream="app"'
  assert.equal(samples.get(`weir_endpoint_healthy{${a}}`), 0)
  assert.equal(samples.get(`weir_endpoint_healthy{${b}}`), 1)
  assert.equal(samples.get(`weir_endpoint_ejected{${a},worker="1"}`), 1)
  assert.equal(samples.get(`weir_endpoint_ejected{${b},worker="1"}`), 0)
  assert.equal(samples.get(`weir_endpoint_ejections_total{${a},worker="1"}`), 2)
  assert.equal(samples.get(`weir_endpoint_attempts_total{${a},worker="1"}`), 9)
  assert.equal(samples.get(`weir_endpoint_connections{${a},worker="1"}`), 4)
  assert.equal(samples.get(`weir_endpoint_in_flight{${b},worker="1"}`), 1)
  assert.equal([...samples.keys()].filter((key) => key.includes('gone')).length, 0)
})

test('mirrors and limits of clients_by upstream and by scope', async () => {
  const { samples } = await told({
    workers: [
      {
        number: 1,
        stats: workerStats({
          mirrors: [{ upstream: 'next', sent: 5, dropped: 1, failed: 2 }],
          clientLimits: [
            {
              scope: 'example.com/a"b\\',
              dryRun: true,
              aboveRate: 3,
              aboveInFlight: 1,
              keys: 10,
              keysMax: 1024,
              evicted: 2,
              uncounted: 0,
            },
          ],
        }),
      },
    ],
  })
  assert.equal(samples.get('weir_mirror_sent_total{upstream="next",worker="1"}'), 5)
  assert.equal(samples.get('weir_mirror_dropped_total{upstream="next",worker="1"}'), 1)
  assert.equal(samples.get('weir_mirror_failed_total{upstream="next",worker="1"}'), 2)
  const labels = 'dry_run="true",scope="example.com/a\\"b\\\\",worker="1"'
  assert.equal(samples.get(`weir_client_limit_above_rate_total{${labels}}`), 3)
  assert.equal(samples.get(`weir_client_limit_above_in_flight_total{${labels}}`), 1)
  assert.equal(samples.get(`weir_client_limit_keys{${labels}}`), 10)
  assert.equal(samples.get(`weir_client_limit_keys_max{${labels}}`), 1024)
  assert.equal(samples.get(`weir_client_limit_evicted_total{${labels}}`), 2)
  assert.equal(samples.get(`weir_client_limit_uncounted_total{${labels}}`), 0)
})

test('names_counters end in _total, gauges do not', async () => {
  const { kinds } = await told({
    workers: [{ number: 1, stats: workerStats({ upstreams: [served('a', counted)] }) }],
  })
  assert.ok(kinds.size > 10, `found only ${kinds.size}`)
  for (const [name, kind] of kinds) assert.equal(name.endsWith('_total'), kind === 'counter', name)
})
