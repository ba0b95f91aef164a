import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { processTree } from '../../../../perf/harness/cpu.ts'
import { Processes, tail, which } from '../../../../perf/harness/processes.ts'

const folder = mkdtempSync(join(tmpdir(), 'weir-test-'))
after(() => rmSync(folder, { recursive: true }))

const options = { cores: null, stderr: join(folder, 'stderr') }
const node = (script: string) => [process.execPath, '-e', script]
const alive = (pid: number) => {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

test('a program that succeeds gives_its_output', async () => {
  const output = await new Processes().run('hello', node('console.log("hello")'), options, 10_000)
  assert.equal(output, 'hello\n')
})

test('a program that fails is_reported_with_its_name_and_last_words', async () => {
  const script = 'console.error("no such luck"); process.exit(3)'
  await assert.rejects(new Processes().run('unlucky', node(script), options, 10_000), (error: Error) => {
    assert.match(error.message, /^unlucky ended with exit code 3/)
    assert.match(error.message, /no such luck$/)
    return true
  })
})

test('a program that hangs is_killed_at_its_limit', async () => {
  const hanging = new Processes().run('hanging', node('setInterval(() => {}, 1000)'), options, 100)
  await assert.rejects(hanging, /hanging did not end within 100 ms/)
})

test('a program that is not there is_an_error_and_not_a_child', async () => {
  const processes = new Processes()
  await assert.rejects(
    processes.start('nothing', [join(folder, 'nothing')], options),
    /nothing cannot be started/,
  )
  await processes.stopAll()
})

test('stopping ends every_child_and_what_it_left_behind', { timeout: 30_000 }, async () => {
  const processes = new Processes()
  // The grandchild ignores SIGTERM and its parent ends without a word to it.
  const grandchild = 'process.on("SIGTERM",()=>{});setInterval(()=>{},1000);console.log(process.pid)'
  const script = `require('child_process').spawn(process.execPath,['-e',${JSON.stringify(grandchild)}],{stdio:'inherit'})`
  const child = await processes.start('parent', node(script), options)
  const [line] = await once(child.process.stdout!, 'data')
  const pid = Number(String(line))
  assert.ok(alive(child.pid) && alive(pid))
  await processes.stopAll()
  assert.equal(child.end, 'signal SIGTERM')
  while (process.platform === 'linux' && processTree(pid).length > 0) await new Promise(setImmediate)
  if (process.platform !== 'linux') process.kill(pid, 'SIGKILL')
  assert.ok(!alive(child.pid))
})

test('nothing starts after_everything_was_stopped', async () => {
  const processes = new Processes()
  await processes.stopAll()
  await assert.rejects(processes.start('late', node(''), options), /late was not started/)
})

test('a tool on the path is_found_and_another_is_not', () => {
  assert.ok(which('node') !== null)
  assert.equal(which('no-such-tool-anywhere'), null)
})

test('a tail is the_last_lines_without_the_final_break', () => {
  assert.equal(tail('a\nb\nc\n', 2), 'b\nc')
})
