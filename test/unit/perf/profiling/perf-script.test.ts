import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { layerOf } from '../../../../perf/profiling/layers.ts'
import { framesOf, readPerfScript } from '../../../../perf/profiling/perf-script.ts'
import { JitCode } from '../../../../perf/profiling/v8-log.ts'

const captured = (file: string) =>
  readFileSync(new URL(`captured/${file}`, import.meta.url), 'utf8').split('\n')
const code = JitCode.read(captured('v8-code-log.txt'))

test('a captured output_each sample once, with the layer that was seen by eye', async () => {
  const counts = await readPerfScript(captured('perf-script.txt'), code)
  assert.equal(counts.total, 11)
  assert.deepEqual(
    [...counts].map(([stack]) => layerOf(stack)),
    [
      'kernel: clients',
      'uWebSockets.js',
      'kernel: other',
      'kernel: endpoints',
      'Node, V8 and libuv',
      'uWebSockets.js',
      'undici',
      'listener and exchange',
      'admission queue',
      'garbage collection',
      'logging',
    ],
  )
})

test('an address of optimised code_is_all functions that were compiled into it, innermost first', async () => {
  const counts = await readPerfScript(captured('perf-script.txt'), code)
  const stack = [...counts].map(([stack]) => stack).find((one) => layerOf(one) === 'admission queue')!
  const names = stack.slice(0, 3).map((frame) => frame.name)
  assert.deepEqual(names, [
    '#take file:///srv/weir/src/proxy/admission.ts:103:8',
    'enter file:///srv/weir/src/proxy/admission.ts:71:8',
    '#admit file:///srv/weir/src/proxy/exchange.ts:128:9',
  ])
})

test('the same stack twice_is_counted, and not kept, twice', async () => {
  const sample = ['weir 7 1.5: ', '\t  1234 malloc (/usr/lib/libc.so.6)', '']
  const counts = await readPerfScript([...sample, ...sample], code)
  assert.deepEqual([...counts], [[[{ kind: 'native', name: 'malloc' }], 2]])
})

test('samples_are told apart by their heads if no blank line stands between', async () => {
  const lines = ['weir 7 1.5: ', '\t 12 a (/bin/node)', 'weir 7 1.6: ', '\t 13 b (/bin/node)']
  assert.equal((await readPerfScript(lines, code)).total, 2)
})

const frames: readonly (readonly [line: string, kind: string, name: string])[] = [
  ['\tffffffff82010ddb tcp_sendmsg ([kernel.kallsyms])', 'kernel', 'tcp_sendmsg'],
  ['\tffff800008010ddb [unknown] ([unknown])', 'kernel', '[unknown]'],
  ['\tffffffffc0120ddb nft_do_chain ([nf_tables])', 'kernel', 'nft_do_chain'],
  [
    '\t 1027e4 void f(int (*)(long)) (/srv/node_modules/@uwsjs/linux-x64-22/uws.node)',
    'uws',
    'void f(int (*)(long))',
  ],
  ['\t 1027e4 [unknown] (/srv/node_modules/@uwsjs/linux-x64-22/uws.node)', 'uws', 'uWebSockets.js'],
  ['\t 7f00 clock_gettime ([vdso])', 'native', 'clock_gettime'],
  ['\t d2a751 node::A<&(int node::B<(node::encoding)4>(int))> (/usr/bin/node)', 'native', 'node::A<&(int'],
  ['\t 9999 [unknown] (/usr/lib/libcrypto.so.3)', 'native', 'libcrypto.so.3'],
]
for (const [line, kind, name] of frames) {
  test(`${line.trim()}_is ${kind}`, () => {
    const [frame] = framesOf(line, code)
    assert.equal(frame?.kind, kind)
    assert.ok(frame?.name.startsWith(name), frame?.name)
  })
}

test('what is no address at all_is no frame', () => {
  assert.deepEqual(framesOf('\t b311000014a7ada0 [unknown] ([unknown])', code), [])
  assert.deepEqual(framesOf('\t 1 [unknown] ([unknown])', code), [])
  assert.deepEqual(framesOf('\tnonsense', code), [])
})
