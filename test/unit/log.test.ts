import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { type TestContext, test } from 'node:test'
import { directOutput, makeLogger, type Output } from '../../src/log.ts'
import { type LogLine, LogLines } from '../support/log-lines.ts'
import { within } from '../support/wait.ts'

function memory() {
  const lines: LogLine[] = []
  const stream = { write: (line: string) => void lines.push(JSON.parse(line) as LogLine) }
  return { lines, output: directOutput(stream) }
}

test('logger_JSON lines with the process and what it was given, at the level that is set', () => {
  const { lines, output } = memory()
  const log = makeLogger('warn', { worker: 3 }, output)
  log.info('not this')
  log.warn({ file: 'config.json' }, 'but this')
  assert.equal(lines.length, 1)
  const { msg, level, pid, worker, file, hostname } = lines[0] as LogLine
  assert.deepEqual(
    [msg, level, pid, worker, file, hostname],
    ['but this', 40, process.pid, 3, 'config.json', undefined],
  )
})

test('level silent_nothing', () => {
  const { lines, output } = memory()
  makeLogger('silent', {}, output).fatal('not even this')
  assert.deepEqual(lines, [])
})

test('direct output_keeps nothing: nothing to flush, nothing dropped', () => {
  const { output } = memory()
  let flushed = 0
  output.flush(() => flushed++)
  output.flushNow()
  assert.equal(flushed, 1)
  assert.equal(output.takeDropped(), 0)
})

test('lines were dropped_said once a second, with how many', (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] })
  const { lines, output } = memory()
  const dropped = [0, 7, 0]
  const lossy: Output = { ...output, takeDropped: () => dropped.shift() ?? 0 }
  makeLogger('info', {}, lossy)
  t.mock.timers.tick(1_000)
  assert.equal(lines.length, 0)
  t.mock.timers.tick(1_000)
  assert.deepEqual(
    lines.map(({ msg, lines: count }) => [msg.startsWith('log lines were dropped'), count]),
    [[true, 7]],
  )
  t.mock.timers.tick(1_000)
  assert.equal(lines.length, 1)
})

const module = JSON.stringify(new URL('../../src/log.ts', import.meta.url).href)
const header = `
  const { makeLogger, standardOutput } = await import(${module})
  const output = standardOutput(process.env.GATHER !== 'no')
  const log = makeLogger('info', { worker: Number(process.env.NUMBER ?? 1) }, output)`

/** A logger in a process of its own, since it writes to that process's standard output. */
function run(t: TestContext, script: string, env: Record<string, string> = {}): ChildProcess {
  const child = spawn(process.execPath, ['--input-type=module', '-e', `${header}\n${script}`], {
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    env: { ...process.env, ...env },
  })
  t.after(() => child.kill('SIGKILL'))
  return child
}

function linesOf(child: ChildProcess): LogLines {
  return new LogLines(child.stdout as Readable)
}

for (const gather of ['yes', 'no']) {
  test(`process that lives on, gathering: ${gather}_its lines are written without being asked for`, async (t) => {
    const child = run(t, "log.info('one short line'); setInterval(() => {}, 1_000)", { GATHER: gather })
    const line = await linesOf(child).waitFor(({ msg }) => msg === 'one short line', 'the line')
    assert.equal(line.worker, 1)
  })
}

const endings: [condition: string, script: string][] = [
  ['ends well, flushed first', 'output.flush(() => process.exit(0))'],
  ['ends badly, flushed at once', 'output.flushNow(); process.exit(1)'],
]
for (const [condition, script] of endings) {
  test(`process ${condition}_no line is lost, none is garbled`, async (t) => {
    const child = run(
      t,
      `for (let number = 0; number < 5_000; number++) log.info({ number }, 'line')
       ${script}`,
    )
    const output = linesOf(child)
    await once(child, 'close')
    assert.deepEqual(output.garbled, [])
    assert.deepEqual(
      output.named('line').map(({ number }) => number),
      Array.from({ length: 5_000 }, (_, index) => index),
    )
  })
}

test('several workers on one pipe_their lines never mix', async (t) => {
  const script = `${header}
    let left = 2_000
    const write = () => {
      for (let count = 0; count < 50 && left > 0; count++, left--) log.info({ pad: 'x'.repeat(left % 900) }, 'line')
      if (left > 0) setImmediate(write)
      else output.flush(() => process.exit(0))
    }
    write()`
  // Three processes with one standard output, each writing as fast as it can.
  const shell = [1, 2, 3]
    .map((number) => `NUMBER=${number} "$NODE" --input-type=module -e "$SCRIPT" &`)
    .concat('wait')
    .join('\n')
  const child = spawn('/bin/sh', ['-c', shell], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, NODE: process.execPath, SCRIPT: script },
  })
  t.after(() => child.kill('SIGKILL'))
  const output = linesOf(child)
  await once(child, 'close')
  assert.deepEqual(output.garbled, [])
  for (const worker of [1, 2, 3]) {
    assert.equal(output.lines.filter((line) => line.worker === worker).length, 2_000)
  }
})

test('reader that does not read_the process goes on, bounded; every line is written whole or counted', async (t) => {
  const child = run(
    t,
    `const pad = 'x'.repeat(200)
     let left = 100_000
     const write = () => {
       for (let count = 0; count < 1_000; count++, left--) log.info({ pad }, 'line')
       if (left > 0) return setImmediate(write)
       // Short ones, until not even the line that tells of the dropped ones would fit.
       for (let count = 0; count < 100; count++) log.info('line')
       // The logger, whose timer is the older one, has looked for dropped lines by the second time.
       let seconds = 0
       setInterval(() => ++seconds === 2 && process.send('written'), 1_000)
     }
     process.once('message', () => output.flush(() => process.exit(0)))
     write()`,
    { GATHER: 'no' },
  )
  await once(child, 'message')
  const output = linesOf(child)
  await output.waitFor(({ msg }) => msg.startsWith('log lines were dropped'), 'what was dropped')
  child.send('end')
  await once(child, 'close')
  assert.deepEqual(output.garbled, [])
  const written = output.named('line').length
  const dropped = output.lines
    .filter(({ msg }) => msg.startsWith('log lines were dropped'))
    .reduce((sum, { lines }) => sum + (lines as number), 0)
  assert.ok(dropped > 0, '30 MB do not fit')
  assert.equal(written + dropped, 100_100)
})

test('end with a reader that does not read_the process ends all the same', async (t) => {
  const child = run(
    t,
    `for (let count = 0; count < 50_000; count++) log.info('line')
     output.flush(() => process.exit(0))`,
  )
  const [code, signal] = await once(child, 'exit')
  assert.deepEqual([code, signal], [null, 'SIGKILL'])
})

test('disk that is full_the process goes on, says so once on standard error, and ends as it is told to', async (t) => {
  for (const [ending, expected] of [
    ['output.flush(() => process.exit(0))', 0],
    ['output.flushNow(); process.exit(1)', 1],
    ['process.exit(2)', 2],
  ] as const) {
    const script = `${header}
      let left = 200
      const write = () => {
        log.info('line')
        if (--left > 0) return setImmediate(write)
        ${ending}
      }
      write()`
    const child = spawn('/bin/sh', ['-c', 'exec "$NODE" --input-type=module -e "$SCRIPT" >/dev/full'], {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, NODE: process.execPath, SCRIPT: script, GATHER: 'no' },
    })
    t.after(() => child.kill('SIGKILL'))
    const stderr = text(child.stderr as Readable)
    const [code] = await within(once(child, 'close'), 30_000, `the end by ${ending}`)
    assert.equal(code, expected)
    assert.equal(await stderr, 'weir: the log cannot be written (ENOSPC): lines are dropped until it can\n')
  }
})
