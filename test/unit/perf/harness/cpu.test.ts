import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import {
  exactly,
  machineTime,
  parseMachineStat,
  parseMemory,
  parseStat,
  processMemory,
  processTree,
  treeCpuTime,
  treeMemory,
  treeRunTimeUs,
} from '../../../../perf/harness/cpu.ts'

const skip = process.platform === 'linux' ? false : "needs Linux' /proc"

test('a name with blanks and parentheses does_not_shift_the_fields', () => {
  const line = '42 (a) R 9 (b) S 7 42 42 0 -1 4194560 1 0 0 0 150 60 9 4 20 0 1 0 5000 1 2'
  assert.deepEqual(parseStat(line), {
    pid: 42,
    parent: 7,
    userTicks: 150,
    systemTicks: 60,
    endedUserTicks: 9,
    endedSystemTicks: 4,
    startTicks: 5000,
  })
})

test('a line that is cut off is_refused', () => {
  assert.throws(() => parseStat('42 (node) S 7 42'), SyntaxError)
  assert.throws(() => parseStat(''), SyntaxError)
})

test('this process is_found_with_its_parent', { skip }, () => {
  const stat = parseStat(readFileSync('/proc/self/stat', 'utf8'))
  assert.equal(stat.pid, process.pid)
  assert.equal(stat.parent, process.ppid)
})

test('work of this process shows_as_user_time_in_microseconds', { skip }, () => {
  const before = treeCpuTime(process.pid)!
  const own = process.cpuUsage()
  // Until the process itself has used 200 ms: how long that takes does not matter.
  let spent = process.cpuUsage(own)
  while (spent.user + spent.system < 200_000) spent = process.cpuUsage(own)
  const after = treeCpuTime(process.pid)!
  const counted = after.userUs + after.systemUs - before.userUs - before.systemUs
  // Two counters of 10 ms ticks, each rounded down, read a moment apart from the process's own.
  assert.ok(counted >= 180_000, `${counted} us counted of 200,000`)
})

test('work of this process shows_in_its_run_time_exactly', { skip }, () => {
  const before = treeRunTimeUs(process.pid)
  const own = process.cpuUsage()
  let spent = process.cpuUsage(own)
  while (spent.user + spent.system < 50_000) spent = process.cpuUsage(own)
  const counted = treeRunTimeUs(process.pid) - before
  // Read a moment before and behind the process's own figure, so no less than that; but for the kernel's last update, one of its ticks ago.
  assert.ok(counted >= 40_000, `${counted} us counted of 50,000`)
})

test('a sum that is known exactly keeps_the_ticks_proportion', () => {
  const ticks = { userUs: 50_000, systemUs: 150_000 }
  assert.deepEqual(exactly(ticks, 208_000), { userUs: 52_000, systemUs: 156_000 })
})

test('ticks stay as they are_where_threads_ended_or_nothing_is_known', () => {
  const ticks = { userUs: 500_000, systemUs: 1_500_000 }
  assert.equal(exactly(ticks, 1_200_000), ticks)
  assert.equal(exactly(ticks, 0), ticks)
  const none = { userUs: 0, systemUs: 0 }
  assert.equal(exactly(none, 4_000), none)
})

test('a child and its child belong_to_the_tree_until_they_end', { skip }, async () => {
  const inner = "process.stdin.resume();console.log('up')"
  const outer = `const c=require('child_process').spawn(process.execPath,['-e',${JSON.stringify(inner)}],{stdio:'inherit'});c.on('exit',()=>process.exit())`
  const child = spawn(process.execPath, ['-e', outer], { stdio: ['pipe', 'pipe', 'inherit'] })
  try {
    await once(child.stdout, 'data')
    const tree = processTree(child.pid!)
    assert.equal(tree.length, 2)
    assert.deepEqual([tree[0]!.pid, tree[0]!.parent, tree[1]!.parent], [child.pid, process.pid, child.pid])
    const used = treeCpuTime(child.pid!)!
    assert.ok(used.userUs + used.systemUs > 0)
  } finally {
    child.stdin.end()
    await once(child, 'exit')
  }
  assert.deepEqual(processTree(child.pid!), [])
  assert.equal(treeCpuTime(child.pid!), null)
})

test('the time of a child that has ended stays_in_the_account_of_its_parent', { skip }, async () => {
  const before = treeCpuTime(process.pid)!
  const busy = 'const s=process.cpuUsage();while(process.cpuUsage(s).user<100000);'
  await once(spawn(process.execPath, ['-e', busy]), 'exit')
  const after = treeCpuTime(process.pid)!
  assert.ok(after.userUs - before.userUs >= 90_000, `${after.userUs - before.userUs} us`)
})

test('the machine’s line is_split_into_busy_stolen_and_all', () => {
  const text = 'cpu  10 1 5 100 4 2 3 7 0 0\ncpu0 10 1 5 100 4 2 3 7 0 0\n'
  assert.deepEqual(parseMachineStat(text), { busyUs: 210_000, stolenUs: 70_000, totalUs: 1_320_000 })
})

test('a text without that line is_refused', () => {
  assert.throws(() => parseMachineStat('cpu0 1 2 3 4\n'), SyntaxError)
})

test('this machine has_been_busy_for_less_than_all_of_its_time', { skip }, () => {
  const time = machineTime()!
  assert.ok(time.busyUs > 0 && time.busyUs <= time.totalUs, JSON.stringify(time))
})

test('memory is_read_in_bytes, and absent where a process has none', () => {
  const status =
    'Name:\tnode\nVmPeak:\t  999 kB\nVmHWM:\t    200 kB\nVmRSS:\t    100 kB\nRssFile:\t     50 kB\n'
  assert.deepEqual(parseMemory(status), { residentBytes: 102_400, peakBytes: 204_800, fileBytes: 51_200 })
  assert.deepEqual(parseMemory('Name:\tkthreadd\n'), { residentBytes: 0, peakBytes: 0, fileBytes: 0 })
})

test('the memory of this process alone_has a part in files, and one that has ended none', { skip }, () => {
  const { residentBytes, peakBytes, fileBytes } = processMemory(process.pid)!
  assert.ok(fileBytes > 1e6 && residentBytes > fileBytes && peakBytes >= residentBytes)
  // The highest pid that Linux gives is below it.
  assert.equal(processMemory(2 ** 22 + 1), null)
})

test('the memory of this process is_some_megabytes', { skip }, () => {
  const { residentBytes, peakBytes } = treeMemory(process.pid)!
  assert.ok(residentBytes > 10e6 && peakBytes >= residentBytes, JSON.stringify({ residentBytes, peakBytes }))
})
