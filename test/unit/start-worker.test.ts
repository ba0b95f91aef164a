/** What V8 makes of the options that workers are started with. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import { workerOptions } from '../../src/start-worker.ts'

/** Both halves of the young generation of a process that has just started. */
const youngMiB = `
  const { getHeapSpaceStatistics } = require('node:v8')
  const young = getHeapSpaceStatistics().find((space) => space.space_name === 'new_space')
  console.log(young.space_size / 2 ** 20)`

/** Left to itself V8 makes the young generation larger when much of it lives on, and of this nothing does. */
const garbage = 'let last; for (let index = 0; index < 3_000_000; index++) last = { index };'

function measured(given: readonly string[]): number {
  const env = { ...process.env, NODE_OPTIONS: '' }
  const options = [...workerOptions(given), '-e', `${garbage}${youngMiB}`]
  return Number(execFileSync(process.execPath, options, { env, encoding: 'utf8' }))
}

test("a worker's young generation has 16 MiB from its first garbage on", () => {
  assert.equal(measured([]), 32)
})

test('what Node was started with wins', () => {
  assert.equal(measured(['--max-semi-space-size=2']), 4)
  assert.equal(measured(['--min-semi-space-size=1', '--max-semi-space-size=1']), 2)
})
