/** The files that there are: each is in a layer because somebody said so, and not because nothing else fitted. */
import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { layerOfFile, layers } from '../../../../perf/profiling/layers.ts'
import { callers, ownerOf, owners } from '../../../../perf/profiling/sources.ts'

const src = join(import.meta.dirname, '../../../../src')
const files = readdirSync(src, { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts') && !path.endsWith('.d.ts'))
  .map((path) => path.replaceAll('\\', '/').replace(/\.ts$/, ''))

test('every file of src_is in a layer that perf/profiling/sources.ts names', () => {
  assert.ok(files.length > 150, `found only ${files.length}`)
  const unnamed = files.filter((path) => ownerOf(path) === null)
  assert.deepEqual(unnamed, [])
})

test('every file that is named_is there', () => {
  assert.deepEqual(
    [...owners.keys()].filter((path) => !files.includes(path)),
    [],
  )
})

test('every file on the way of a request_is named by itself, so that none changes its layer by moving', () => {
  const byFolder = files.filter((path) => /^(proxy|native)\/|^[\w-]+$/.test(path) && !owners.has(path))
  assert.deepEqual(byFolder, [])
})

test('a file that nobody has named_is in no layer', () => {
  assert.equal(ownerOf('proxy/new-thing'), null)
  assert.equal(ownerOf('proxy/balance/new-policy'), null)
  assert.equal(ownerOf('new-root'), null)
  assert.equal(layerOfFile('work file:///srv/weir/src/proxy/new-thing.ts:1:1'), null)
})

test('a function of a file_counts for its layer, and that of one which serves all for its caller', () => {
  for (const path of files) {
    const owner = ownerOf(path)
    const expected = owner === callers ? null : owner
    assert.equal(layerOfFile(`work file:///srv/weir/src/${path}.ts:10:3`), expected, path)
    assert.equal(layerOfFile(`work /opt/weir/dist/${path}.js:10:3`), expected, path)
  }
})

test('what the layers of the issue are for_is in them', () => {
  const of = (layer: string) => [...owners].filter(([, owner]) => owner === layer).map(([path]) => path)
  for (const file of ['waiting-line', 'controlled-delay', 'priority'])
    assert.ok(of('admission queue').includes(`proxy/overload/${file}`), file)
  for (const file of ['line-gatherer', 'line-writer', 'log', 'proxy/record'])
    assert.ok(of('logging').includes(file), file)
  for (const file of ['endpoint-socket', 'shortcut', 'departures', 'undici-parser', 'connector', 'pool'])
    assert.ok(of('endpoint connections').includes(`proxy/${file}`), file)
  const used = new Set([...owners.values()])
  const withoutFiles = layers.filter((layer) => !used.has(layer))
  assert.deepEqual(withoutFiles, [
    'kernel: clients',
    'kernel: endpoints',
    'kernel: other',
    'uWebSockets.js',
    'garbage collection',
    'Node, V8 and libuv',
  ])
})
