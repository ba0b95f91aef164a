import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { callgrind, dumpFile, nodeOptions, parseDump } from '../../../../perf/instructions/callgrind.ts'

const captured = readFileSync(new URL('captured/callgrind.txt', import.meta.url), 'utf8')

test('a file of callgrind gives_instructions, and calls from wherever they came', () => {
  assert.deepEqual(parseDump(captured), {
    instructions: 299_463_357,
    turns: 331,
    clockReadings: 338 + 7_177,
  })
})

test('calls of what is not called at all_are none', () => {
  const without = captured.replaceAll('epoll_pwait', 'poll').replaceAll('clock_gettime', 'time')
  assert.deepEqual(parseDump(without), { instructions: 299_463_357, turns: 0, clockReadings: 0 })
})

test('what is no file of callgrind, or counts something else_is_refused with it', () => {
  assert.throws(() => parseDump('valgrind: fatal'), /not a file of callgrind:\nvalgrind: fatal/)
  assert.throws(() => parseDump(captured.replace('events: Ir', 'events: Ir Dr')), SyntaxError)
})

test('the program is_counted by its threads, from when it is told', () => {
  const before = callgrind('/usr/bin/valgrind', '/tmp/out')
  assert.ok(before.includes('--separate-threads=yes') && before.includes('--instr-atstart=no'))
  assert.ok(before.includes('--callgrind-out-file=/tmp/out'))
  assert.equal(dumpFile('/tmp/out', 2), '/tmp/out.2-01')
})

test('Node is_started with options that it knows', async () => {
  const { spawnSync } = await import('node:child_process')
  const { status, stderr } = spawnSync(process.execPath, [...nodeOptions, '-e', '0'], { encoding: 'utf8' })
  assert.equal(status, 0, stderr)
})
