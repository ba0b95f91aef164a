import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'

const module = JSON.stringify(new URL('../../src/pretty-output.ts', import.meta.url).href)

/** What it writes to the standard output of a process of its own. */
function written(script: string): string[] {
  const { stdout, stderr, status } = spawnSync(
    process.execPath,
    [
      '--input-type=module',
      '-e',
      `const { prettyOutput } = await import(${module})
       const out = prettyOutput()
       ${script}`,
    ],
    { encoding: 'utf8' },
  )
  assert.deepEqual([status, stderr], [0, ''])
  return stdout.split('\n').filter((line) => line !== '')
}

test('pretty output_a line for a person, even from several JSON lines at once', () => {
  const lines = written(`
    const line = (msg) => JSON.stringify({ level: 30, time: 0, pid: 4711, msg, port: 8080 }) + '\\n'
    out.write(line('listening') + line('ready'))
    out.end()`)
  assert.equal(lines.length, 2, 'one line each')
  assert.match(lines[0] as string, /INFO.*listening.*8080/)
  assert.match(lines[1] as string, /ready/)
  assert.ok(!lines.join().includes('4711'), 'the process number is of no use to a person')
})

test('pretty output_of many workers: no warning', () => {
  written(`
    const { PassThrough } = await import('node:stream')
    for (let worker = 0; worker < 20; worker++) new PassThrough().pipe(out, { end: false })
    setImmediate(() => out.end())`)
})
