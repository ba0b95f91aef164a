import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkPathFault, routePathFault } from '../../../src/config/target.ts'

for (const path of [
  '/',
  '/isolated',
  '/api/*',
  '/*',
  '/a/b.c',
  '/%20',
  '/a;b=c',
  '/~user',
  '/a//b',
  '/a/../b/*',
]) {
  test(`routePathFault ${path} is none`, () => assert.equal(routePathFault(path), null))
}

const routeFaults: [path: string, hint: RegExp][] = [
  ['', /write "\/"/],
  ['api', /write "\/api"/],
  ['*', /write "\/\*"/],
  ['/api*', /at the end only/],
  ['/*/x', /at the end only/],
  ['/a/*/*', /at the end only/],
  ['/api/**', /at the end only/],
  ['/../x', /above the root/],
  ['/a/../%2e%2E/*', /above the root/],
  ['/a b', /percent-encode/],
  ['/ä', /percent-encode/],
  ['/a\r\nb', /percent-encode/],
  ['/a\u007f', /percent-encode/],
  ['/a?b=c', /leave out the query/],
  ['/a#b', /leave out the query/],
]

for (const [path, hint] of routeFaults) {
  test(`routePathFault ${JSON.stringify(path)} says what to do`, () => {
    assert.match(routePathFault(path) ?? 'no fault', hint)
  })
}

for (const path of ['/', '/healthz', '/health?deep=1', '/a/*']) {
  test(`checkPathFault ${path} is none`, () => assert.equal(checkPathFault(path), null))
}

const checkFaults: [path: string, hint: RegExp][] = [
  ['', /write "\/"/],
  ['healthz', /write "\/healthz"/],
  ['/health z', /percent-encode/],
  ['/health\r\nHost: x', /percent-encode/],
  ['/health\u0000', /percent-encode/],
  ['/ü', /percent-encode/],
  ['/a#b', /no fragment/],
]

for (const [path, hint] of checkFaults) {
  test(`checkPathFault ${JSON.stringify(path)} says what to do`, () => {
    assert.match(checkPathFault(path) ?? 'no fault', hint)
  })
}
