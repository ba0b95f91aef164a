import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Processes, which } from '../../../../perf/harness/processes.ts'
import { codeLogOptions, readRecording, record } from '../../../../perf/profiling/perf-record.ts'

const folder = mkdtempSync(join(tmpdir(), 'weir-test-'))
const processes = new Processes()
after(async () => {
  await processes.stopAll()
  rmSync(folder, { recursive: true })
})
const perf = which('perf')
const skip = perf === null ? 'perf is not installed (Debian: linux-perf)' : false

const busy = `
function innermost(n) { let sum = 0; for (let i = 0; i < n; i++) sum += Math.sqrt(i) * i; return sum }
function outermost() { return innermost(1000) }
const end = Date.now() + 20_000
while (Date.now() < end) outermost()
`

test('a busy process_is sampled, its functions named', { skip, timeout: 60_000 }, async (t) => {
  const log = join(folder, 'v8.log')
  const node = [process.execPath, ...codeLogOptions(log), '-e', busy]
  const child = await processes.start('busy', node, { cores: null, stderr: join(folder, 'err') })
  const recording = {
    perf: perf!,
    pid: child.pid,
    data: join(folder, 'data'),
    stderr: join(folder, 'perf-err'),
    cores: null,
  }
  await sleep(500)
  try {
    await record(processes, recording, () => sleep(500))
  } catch (error) {
    // A container may forbid it.
    t.skip((error as Error).message)
    return
  } finally {
    child.process.kill('SIGKILL')
    await child.ended
  }
  const counts = await readRecording(recording, log)
  const names = new Set([...counts].flatMap(([stack]) => stack.map((frame) => frame.name)))
  // The one was compiled into the other, and both are there.
  for (const name of [/^innermost \[eval\]/, /^outermost \[eval\]/])
    assert.ok(
      [...names].some((one) => name.test(one)),
      [...names].slice(0, 40).join('\n'),
    )
})
