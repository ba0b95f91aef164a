import assert from 'node:assert/strict'
import { test } from 'node:test'
import { makeStickySecret, withStickySecret } from '../../../src/control/sticky-secret.ts'
import { plan, upstreamPlan } from '../../support/fakes/plans.ts'

const sticky = { policy: 'sticky', cookie: 'weir', secret: null, fallback: 'random' } as const

test('sticky without a secret_is given it; everything else stays as it is', () => {
  const own = { ...sticky, secret: 'configured by somebody' }
  const upstreams = [upstreamPlan(), upstreamPlan({ balance: own }), upstreamPlan({ balance: sticky })]
  const [plain, configured, given] = withStickySecret(plan({ upstreams }), 'made').upstreams
  assert.equal(plain, upstreams[0])
  assert.equal(configured, upstreams[1])
  assert.deepEqual(given?.balance, { ...sticky, secret: 'made' })
})

test('secret_256 bits, another each time', () => {
  assert.equal(Buffer.from(makeStickySecret(), 'base64url').length, 32)
  assert.notEqual(makeStickySecret(), makeStickySecret())
})
