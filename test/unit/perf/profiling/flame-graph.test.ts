import assert from 'node:assert/strict'
import { test } from 'node:test'
import { drawFlameGraph } from '../../../../perf/profiling/flame-graph.ts'
import { StackCounts } from '../../../../perf/profiling/perf-script.ts'

function stacks(): StackCounts {
  const counts = new StackCounts()
  const begin = { kind: 'js', name: 'begin file:///srv/weir/src/proxy/exchange.ts:10:3' } as const
  const route = { kind: 'js', name: 'find<T> file:///srv/weir/src/proxy/router.ts:10:3' } as const
  counts.add([begin], 60)
  counts.add([route, begin], 40)
  counts.add([{ kind: 'native', name: 'rare' }], 0.01)
  return counts
}
const picture = { title: 'a & b', subtitle: 'below' }

test('a picture_has a box for each frame wide enough to be seen, and a legend in percent', () => {
  const svg = drawFlameGraph(stacks(), picture)
  assert.match(svg, /^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg" viewBox="0 0 1200 \d+"/)
  assert.match(svg, /a &amp; b/)
  assert.match(svg, /router 40\.0 %/)
  assert.match(svg, /listener and exchange 60\.0 %/)
  assert.match(svg, />begin src\/proxy\/exchange\.ts</)
  assert.match(svg, />find&lt;T&gt; src\/proxy\/router\.ts</)
  assert.doesNotMatch(svg, /rare/)
  assert.doesNotMatch(svg, /NaN|undefined|<script/)
})

test('a picture of nothing_is a picture', () => {
  assert.match(drawFlameGraph(new StackCounts(), picture), /<\/svg>\n$/)
})
