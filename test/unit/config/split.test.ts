import assert from 'node:assert/strict'
import { test } from 'node:test'
import { configWith, onlyProblem, planOf } from './read.ts'

function split(upstream: unknown, more: Record<string, unknown> = {}): Record<string, unknown> {
  const upstreams = { app: ['http://127.0.0.1:9001'], canary: ['http://127.0.0.1:9002'] }
  return configWith({ upstreams, routes: [{ upstream, ...more }] })
}

const parts = [
  { upstream: 'app', weight: 95 },
  { upstream: 'canary', weight: 5 },
]

test('list of upstreams_as written, the header in lower case', () => {
  const [route] = planOf(split(parts, { upstreamHeader: 'X-Upstream' })).routes
  assert.deepEqual(route?.target, {
    kind: 'upstream',
    upstream: 'app',
    split: { parts, header: 'x-upstream' },
  })
  assert.deepEqual(planOf(split('app')).routes[0]?.target, { kind: 'upstream', upstream: 'app' })
})

test('what is wrong_one problem, with its place', () => {
  const [app, canary] = parts
  const misspelled = onlyProblem(
    split([app, { upstream: 'canari', weight: 5 }]),
    'routes[0].upstream[1].upstream',
  )
  assert.match(`${misspelled.hint}`, /canary/)
  onlyProblem(split([app, app]), 'routes[0].upstream[1].upstream')
  onlyProblem(split([app]), 'routes[0].upstream')
  onlyProblem(split([app, { ...canary, weight: -1 }]), 'routes[0].upstream[1].weight')
  onlyProblem(split(parts.map((part) => ({ ...part, weight: 0 }))), 'routes[0].upstream')
  const host = onlyProblem(split(parts, { upstreamHeader: 'Host' }), 'routes[0].upstreamHeader')
  assert.match(host.hint ?? '', /give each its own, with "host"/)
  onlyProblem(split('app', { upstreamHeader: 'x-upstream' }), 'routes[0].upstreamHeader')
})

test('mirror_as written, all by default', () => {
  const [route] = planOf(split('app', { mirror: { upstream: 'canary' } })).routes
  assert.deepEqual(route?.mirror, { upstream: 'canary', share: 1 })
})

test('mirror_what is wrong: one problem, with its place', () => {
  onlyProblem(split('app', { mirror: { upstream: 'app' } }), 'routes[0].mirror.upstream')
  onlyProblem(split(parts, { mirror: { upstream: 'canary' } }), 'routes[0].mirror.upstream')
  onlyProblem(split('app', { mirror: { upstream: 'nobody' } }), 'routes[0].mirror.upstream')
  onlyProblem(split('app', { mirror: { upstream: 'canary', share: 2 } }), 'routes[0].mirror.share')
  onlyProblem(
    configWith({ routes: [{ respond: { status: 200 }, mirror: { upstream: 'app' } }] }),
    'routes[0].mirror',
  )
})
