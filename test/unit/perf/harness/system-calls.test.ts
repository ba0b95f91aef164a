import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { processTree } from '../../../../perf/harness/cpu.ts'
import { Processes, which } from '../../../../perf/harness/processes.ts'
import {
  parseStrace,
  perRequest,
  straceArguments,
  systemCallsDuring,
} from '../../../../perf/harness/system-calls.ts'

const folder = mkdtempSync(join(tmpdir(), 'weir-test-'))
after(() => rmSync(folder, { recursive: true }))
const strace = which('strace')
const skip = strace === null ? 'strace is not installed' : false

const table = readFileSync(new URL('captured/strace-count.txt', import.meta.url), 'utf8')

test('the table of strace gives_calls_by_name, with and without errors, and no total', () => {
  const calls = parseStrace(table)
  assert.equal(calls.get('writev'), 14_003)
  assert.equal(calls.get('futex'), 764)
  assert.equal(calls.get('readlink'), 7)
  assert.ok(!calls.has('total'))
  assert.equal(
    [...calls.values()].reduce((sum, count) => sum + count, 0),
    Number(/(\d+) +\d+ total/.exec(table)![1]),
  )
})

test('output that is no table is_refused_with_it', () => {
  assert.throws(
    () => parseStrace('strace: attach: Operation not permitted'),
    /not a table .*\n.*not permitted/,
  )
})

test('calls are_divided_by_the_requests, and rare ones not listed', () => {
  const figures = perRequest(
    new Map([
      ['write', 1000],
      ['read', 2000],
      ['brk', 9],
    ]),
    1000,
  )
  assert.equal(figures.perRequest, 3.009)
  assert.deepEqual(Object.entries(figures.byName), [
    ['read', 2],
    ['write', 1],
  ])
})

test('every process is_attached_to', () => {
  assert.deepEqual(straceArguments([7, 8], '/tmp/out'), ['-c', '-f', '-o', '/tmp/out', '-p', '7', '-p', '8'])
})

test('a process that is gone is_an_error, and strace does not stay', { skip }, async () => {
  const processes = new Processes()
  const files = { output: join(folder, 'table'), stderr: join(folder, 'stderr') }
  const gone = await processes.start('short', [process.execPath, '-e', ''], {
    cores: null,
    stderr: files.stderr,
  })
  await gone.ended
  await assert.rejects(
    systemCallsDuring(processes, strace!, [gone.pid], files, null, async () => {}),
    /^Error: strace could not attach: .*: No such process$/,
  )
  assert.equal(processTree(process.pid).filter((stat) => stat.parent === process.pid).length, 0)
})
