import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { after, test } from 'node:test'
import { type Results, revision, writeResults } from '../../../../perf/harness/results.ts'

const folder = mkdtempSync(join(tmpdir(), 'weir-test-'))
after(() => rmSync(folder, { recursive: true }))

const results: Results = {
  version: 2,
  date: '2026-01-31T12:34:56.789Z',
  revision: 'abc1234',
  harness: 'def5678',
  peers: { nginx: '1.22.1' },
  machine: { cpu: 'a CPU', cores: 2, node: 'v22.19.0', binding: '20.51.4', kernel: 'linux 6.1' },
  generator: 'wrk',
  placement: 'none',
  schedule: { turns: 1, seconds: 1, warmupSeconds: 0 },
  summaries: [],
  measured: [],
}

test('results are_written_under_date_and_revision_and_read_back_equal', () => {
  const path = writeResults(join(folder, 'new'), results)
  assert.equal(basename(path), '2026-01-31T123456Z-abc1234.json')
  assert.deepEqual(JSON.parse(readFileSync(path, 'utf8')), results)
})

test('the end of a run replaces_what_was_written_before, and leaves nothing else', () => {
  const own = join(folder, 'own')
  const first = writeResults(own, { ...results, unfinished: true })
  assert.equal((JSON.parse(readFileSync(first, 'utf8')) as Results).unfinished, true)
  assert.equal(writeResults(own, results), first)
  assert.deepEqual(JSON.parse(readFileSync(first, 'utf8')), results)
  assert.deepEqual(readdirSync(own), [basename(first)])
})

test('a folder that is no checkout has_the_revision_dirty', () => {
  assert.equal(revision(folder), 'dirty')
})
