import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  forwardedHeadBytesMax,
  parsedHeadBytesMax,
  shortcutHeadBytesMax,
} from '../../../../src/proxy/headers/head-limits.ts'
import { oneCorkBytes } from '../../../../src/proxy/reply.ts'

test('limits of response heads_what is read may be passed on, what is passed on was read, and leaves room in its cork', () => {
  assert.ok(shortcutHeadBytesMax < forwardedHeadBytesMax)
  assert.ok(forwardedHeadBytesMax < parsedHeadBytesMax)
  assert.ok(forwardedHeadBytesMax < oneCorkBytes)
})
