import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  type CpuProfile,
  stacksOfClinic,
  stacksOfCpuProfile,
} from '../../../../perf/profiling/cpu-profile.ts'
import { countLayers } from '../../../../perf/profiling/layers.ts'

function node(id: number, functionName: string, url: string, children: readonly number[] = []) {
  return { id, callFrame: { functionName, url, lineNumber: 9, columnNumber: 2 }, children }
}

const profile: CpuProfile = {
  nodes: [
    node(1, '(root)', '', [2, 3, 5, 6]),
    node(2, '(idle)', ''),
    node(3, 'begin', 'file:///srv/weir/src/proxy/exchange.ts', [4]),
    node(4, 'writeH1', 'file:///srv/weir/node_modules/undici/lib/dispatcher/client-h1.js', [7]),
    node(5, '(garbage collector)', ''),
    node(6, '(program)', ''),
    node(7, 'writeLatin1String', ''),
  ],
  startTime: 1000,
  samples: [3, 4, 2, 5, 6, 7],
  timeDeltas: [10, 20, 1000, 5, 7, 40],
}

test('microseconds_are added up by stack, without idle time', () => {
  const stacks = stacksOfCpuProfile(profile, null)
  assert.equal(stacks.total, 10 + 20 + 5 + 7 + 40)
  const counts = countLayers(stacks)
  assert.equal(counts['listener and exchange'], 10)
  // Native code is its caller's.
  assert.equal(counts.undici, 20 + 40)
  assert.equal(counts['garbage collection'], 5)
  assert.equal(counts['Node, V8 and libuv'], 7)
})

test('names_are as perf has them, counted from 1', () => {
  const [stack] = [...stacksOfCpuProfile(profile, null)].find(([stack]) => stack.length === 2)!
  assert.deepEqual(
    stack.map((frame) => frame.name),
    [
      'writeH1 file:///srv/weir/node_modules/undici/lib/dispatcher/client-h1.js:10:3',
      'begin file:///srv/weir/src/proxy/exchange.ts:10:3',
    ],
  )
})

test('samples outside of the load_are left out', () => {
  assert.equal(stacksOfCpuProfile(profile, { fromUs: 1010, toUs: 1035 }).total, 20)
})

test('a sampler that was held up_gives no function all of that time', () => {
  const held: CpuProfile = { ...profile, samples: [3, 4], timeDeltas: [500, 400_000] }
  assert.equal(countLayers(stacksOfCpuProfile(held, null)).undici, 10_000)
})

test("clinic's samples_are leaf first, and uWebSockets.js known by its file", () => {
  const stacks = stacksOfClinic([
    [
      { name: 'begin file:///srv/weir/src/proxy/exchange.ts:1:1', type: 'JS' },
      { name: 'find file:///srv/weir/src/proxy/router.ts:1:1', type: 'JS' },
      { name: 'LoadIC', type: 'CODE' },
    ],
    [{ name: '/srv/node_modules/@uwsjs/linux-x64-22/uws.node', type: 'SHARED_LIB' }],
    [],
    [{ name: 'epoll_pwait@@GLIBC_2.6', type: 'CPP' }],
  ])
  const counts = countLayers(stacks)
  assert.equal(counts.router, 1)
  assert.equal(counts['uWebSockets.js'], 1)
  assert.equal(counts['Node, V8 and libuv'], 1)
})
