import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { parseAutocannon } from '../../../../perf/harness/autocannon.ts'
import {
  checkAmount,
  checkFixedCount,
  fixedCountArguments,
} from '../../../../perf/instructions/fixed-count.ts'
import { smallLoad } from '../../../../perf/scenarios/routes.ts'

const printed = (good: number) => `
finished in 3.95s, 1620.69 req/s, 321.29KB/s
requests: 6400 total, 6400 started, 6400 done, ${good} succeeded, ${6400 - good} failed, 0 errored, 0 timeout
status codes: ${good} 2xx, 0 3xx, 0 4xx, ${6400 - good} 5xx
`

test('so many requests_are_asked for, on the connections of the load, with its headers', () => {
  const load = { ...smallLoad, connections: 8, headers: { Accept: '*/*' } }
  assert.deepEqual(fixedCountArguments(load, 6400, null, 'http://127.0.0.1:1/'), [
    ...['--h1', '-t', '1', '-c', '8', '-n', '6400'],
    ...['-H', 'Accept: */*', 'http://127.0.0.1:1/'],
  ])
  assert.deepEqual(fixedCountArguments(smallLoad, 9, '/tmp/body', 'http://x/').slice(-3), [
    '-d',
    '/tmp/body',
    'http://x/',
  ])
})

test('each answered well_passes; anything else is_an_error', () => {
  checkFixedCount(printed(6400), 6400)
  assert.throws(() => checkFixedCount(printed(6399), 6400), /of 6400 requests 6399 were answered well/)
  assert.throws(
    () => checkFixedCount('connect: refused', 6400),
    /not the output of h2load:\nconnect: refused/,
  )
})

test('of a generator that counts itself_the same is asked', () => {
  const figures = parseAutocannon(
    readFileSync(new URL('../harness/captured/autocannon-plain.json', import.meta.url), 'utf8'),
  )
  checkAmount(figures, figures.requests)
  assert.throws(
    () => checkAmount({ ...figures, failed: { status: 1, timeout: 1 } }, figures.requests),
    new RegExp(`of ${figures.requests} requests ${figures.requests - 2} were answered well`),
  )
  assert.throws(() => checkAmount(figures, figures.requests + 1), /were answered well/)
})
