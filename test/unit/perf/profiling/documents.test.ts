/** What the documents say of the last profile is what was recorded. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { documents } from '../../../../perf/profiling/documents.ts'
import { latestOf, pictureOf, readOverhead } from '../../../../perf/profiling/overhead.ts'
import { run } from './runs.ts'

const root = join(import.meta.dirname, '../../../..')
const overhead = readOverhead(join(root, 'perf/overhead.json'))

for (const { path, written } of documents) {
  const text = readFileSync(join(root, path), 'utf8')

  test(`${path}_has what perf/overhead.json has (node perf/profile.ts --tables writes it)`, () => {
    assert.equal(text, written(text, overhead))
  })

  test(`${path}_keeps what stands around the markers, however often it is written`, () => {
    const other = { version: 1, runs: [run({ scenario: 'small' })] } as const
    const once = written(text, other)
    assert.notEqual(once, text)
    assert.match(once, /abc1234/)
    assert.equal(written(once, other), once)
    assert.equal(written(once, overhead), text)
  })

  test(`${path} without markers_is refused`, () => {
    assert.throws(() => written('nothing', overhead), /expected "<!-- /)
  })
}

test('every last run_has its flame graph, which says of which it is', () => {
  for (const run of latestOf(overhead)) {
    const path = join(root, 'perf/profiles', pictureOf(run.scenario))
    assert.ok(existsSync(path), path)
    assert.ok(readFileSync(path, 'utf8').includes(`at ${run.commit}, ${run.date.slice(0, 10)}`), path)
  }
})
