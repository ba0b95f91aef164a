import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  amountOf,
  countLayers,
  exchangeAndHeaders,
  type Frame,
  isComparable,
  type Layer,
  layerOf,
  layers,
  lines,
  scaled,
  shares,
} from '../../../../perf/profiling/layers.ts'

const js = (name: string): Frame => ({ kind: 'js', name })
const native = (name: string): Frame => ({ kind: 'native', name })
const uws = (name = 'uWS::HttpContext'): Frame => ({ kind: 'uws', name })
const kernel = (...names: readonly string[]): Frame[] => names.map((name) => ({ kind: 'kernel', name }))
const proxy = (file: string) => js(`work file:///srv/weir/src/proxy/${file}:10:3`)
const undici = js('writeH1 /srv/weir/node_modules/undici/lib/dispatcher/client-h1.js:1144:18')

const cases: readonly (readonly [what: string, stack: readonly Frame[], layer: Layer])[] = [
  ['the router', [proxy('router.ts'), proxy('exchange.ts'), uws()], 'router'],
  ['the admission queue', [proxy('admission.ts'), proxy('exchange.ts')], 'admission queue'],
  [
    "the queue's classes",
    [proxy('overload/waiting-line.ts'), proxy('admission.ts'), proxy('tries.ts')],
    'admission queue',
  ],
  ["the queue's lists", [proxy('line.ts'), proxy('admission.ts'), proxy('tries.ts')], 'admission queue'],
  [
    'such a list for hedges',
    [proxy('line.ts'), proxy('hedging/hedging.ts'), proxy('tries.ts')],
    'attempts and upstreams',
  ],
  ['fastq', [js('push /srv/node_modules/fastq/queue.js:66:15'), proxy('admission.ts')], 'admission queue'],
  ['a balancer', [proxy('balance/round-robin.ts'), proxy('attempt.ts')], 'balancer'],
  ['undici', [undici, proxy('attempt.ts')], 'undici'],
  ["Node's stream under undici", [js('write node:internal/streams/writable:504:36'), undici], 'undici'],
  [
    "V8's native code under the exchange",
    [native('Builtins_StringAdd'), proxy('exchange.ts')],
    'listener and exchange',
  ],
  ["an answer's header fields", [proxy('headers/response-block.ts')], 'response headers'],
  [
    'bytes of them',
    [proxy('headers/bytes.ts'), proxy('headers/response-block.ts'), proxy('attempt.ts')],
    'response headers',
  ],
  [
    "bytes of a request's",
    [proxy('headers/bytes.ts'), proxy('request-head.ts'), proxy('data-plane.ts')],
    'request headers',
  ],
  ["Weir's socket", [native('writev'), proxy('endpoint-socket.ts'), undici], 'endpoint connections'],
  [
    "Node's handle of it",
    [js('writeLatin1 file:///srv/weir/src/native/socket-handle.ts:80:1'), proxy('endpoint-socket.ts')],
    'endpoint connections',
  ],
  ['a piece of a body', [proxy('body/piece.ts'), proxy('endpoint-socket.ts')], 'bodies'],
  ['ws', [js('send /srv/node_modules/ws/lib/sender.js:300:3'), proxy('websocket/bridge.ts')], 'WebSockets'],
  ['the record', [proxy('record.ts'), proxy('exchange.ts')], 'logging'],
  ['pino', [js('write /srv/node_modules/pino/lib/proto.js:1:1'), proxy('record.ts')], 'logging'],
  [
    'lines on their way to the log',
    [
      js('push file:///srv/weir/src/line-gatherer.ts:40:3'),
      js('write /srv/node_modules/pino/lib/proto.js:1:1'),
    ],
    'logging',
  ],
  ['what writes them', [js('#write file:///srv/weir/dist/line-writer.js:90:3')], 'logging'],
  [
    "a package that serves any, in Weir's name",
    [js('get /src/node_modules/other/src/log.js:1:1')],
    'Node, V8 and libuv',
  ],
  ['a check of health', [js('probe file:///srv/weir/src/control/health/probe.ts:9:3')], 'control plane'],
  [
    'a checkout below a folder called src',
    [js('find file:///usr/src/weir/src/proxy/router.ts:3:1')],
    'router',
  ],
  ['the built Weir', [js('find file:///opt/weir/dist/proxy/router.js:3:1')], 'router'],
  ['uWebSockets.js', [native('__memcpy'), uws(), native('uv_run')], 'uWebSockets.js'],
  ['a collection under undici', [native('v8::internal::Scavenger::Process'), undici], 'garbage collection'],
  ['an allocation without a collection', [native('v8::internal::Heap::AllocateRaw'), undici], 'undici'],
  ["V8's profiler's word for it", [native('(garbage collector)'), undici], 'garbage collection'],
  ['the event loop', [native('uv__io_poll'), native('uv_run')], 'Node, V8 and libuv'],
  ['nothing at all', [], 'Node, V8 and libuv'],
  [
    'a send of uWebSockets.js',
    [...kernel('tcp_sendmsg', '__x64_sys_sendto'), native('__send'), uws()],
    'kernel: clients',
  ],
  [
    'a send whose caller libc hides',
    [...kernel('tcp_sendmsg', '__sys_sendto', '__x64_sys_sendto', 'do_syscall_64'), native('__send')],
    'kernel: clients',
  ],
  [
    'a write of libuv, called from a callback of uWebSockets.js',
    [
      ...kernel('tcp_sendmsg', 'vfs_write', 'ksys_write'),
      native('__GI___libc_write'),
      native('node::LibuvStreamWrap::DoTryWrite'),
      undici,
      uws(),
    ],
    'kernel: endpoints',
  ],
  [
    'a write into a file',
    [...kernel('ext4_file_write_iter', 'vfs_write', 'ksys_write'), native('write')],
    'kernel: other',
  ],
  [
    'waiting for sockets',
    [...kernel('tcp_poll', 'ep_send_events', '__x64_sys_epoll_pwait'), native('epoll_pwait')],
    'kernel: other',
  ],
  ['packets in an interrupt', kernel('tcp_v4_rcv', 'net_rx_action', 'asm_sysvec_apic'), 'kernel: other'],
  [
    'another process had the core',
    [...kernel('schedule', 'exit_to_user_mode_loop', 'do_syscall_64'), native('__send')],
    'kernel: other',
  ],
]
for (const [what, stack, layer] of cases)
  test(`${what}_is ${layer}`, () => assert.equal(layerOf(stack), layer))

test('weights_are added up by layer, and shares of them are 1 together', () => {
  const counts = countLayers([
    [[undici], 3],
    [[proxy('router.ts')], 1],
    [[undici, uws()], 4],
  ])
  assert.equal(counts.undici, 7)
  assert.equal(counts.router, 1)
  assert.equal(shares(counts).undici, 7 / 8)
  assert.equal(scaled(shares(counts), 16).router, 2)
})

test('shares of nothing_are 0', () => {
  assert.deepEqual(Object.values(shares(countLayers([]))), Array(layers.length).fill(0))
})

test('the layer that has parts_is their sum', () => {
  const counts = countLayers([
    [[proxy('exchange.ts')], 3],
    [[proxy('request-head.ts')], 2],
    [[proxy('pool.ts')], 4],
    [[undici], 1],
  ])
  assert.equal(amountOf(counts, exchangeAndHeaders), 9)
  assert.equal(amountOf(counts, 'request headers'), 2)
})

test('a run of the first division_has the layer, and no parts', () => {
  const counts = { [exchangeAndHeaders]: 4, undici: 1 }
  assert.equal(amountOf(counts, exchangeAndHeaders), 4)
  assert.equal(amountOf(counts, 'undici'), 1)
  assert.equal(amountOf(counts, 'request headers'), null)
  assert.equal(amountOf({ 'request headers': 1 }, exchangeAndHeaders), null)
})

test('the lines of a table_are the layers, and before its parts the one that has them', () => {
  const names = lines.map(({ name }) => name)
  assert.deepEqual(
    names.filter((name) => name !== exchangeAndHeaders),
    [...layers],
  )
  const first = lines.findIndex(({ isPart }) => isPart)
  assert.equal(names[first - 1], exchangeAndHeaders)
  assert.equal(
    lines.findLastIndex(({ isPart }) => isPart) - first + 1,
    lines.filter((line) => line.isPart).length,
  )
})

test('layers of two divisions_compare where nothing was moved', () => {
  assert.ok(isComparable('undici', 1, 2))
  assert.ok(isComparable('kernel: clients', 1, 2))
  assert.ok(!isComparable('admission queue', 1, 2))
  assert.ok(!isComparable('request headers', 1, 2))
  assert.ok(isComparable('admission queue', 2, 2))
})
