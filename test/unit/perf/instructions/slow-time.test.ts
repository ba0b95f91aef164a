import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'

const preload = new URL('../../../../perf/instructions/slow-time.ts', import.meta.url).href

/** What a process says that runs with it. */
function says(script: string): unknown {
  const { stdout, stderr, status } = spawnSync(
    process.execPath,
    [`--import=${preload}`, '--input-type=module', '-e', script],
    { encoding: 'utf8' },
  )
  assert.equal(status, 0, stderr)
  return JSON.parse(stdout)
}

test('timers, by whatever name_take as much longer', () => {
  const elapsed = says(`
    import { setTimeout as imported } from 'node:timers'
    const begun = process.hrtime.bigint()
    const ms = () => Number(process.hrtime.bigint() - begun) / 1e6
    const of = (start) => new Promise((resolve) => start(resolve, 5)).then(ms)
    const every = (resolve) => { const timer = setInterval(() => { clearInterval(timer); resolve() }, 5) }
    console.log(JSON.stringify(await Promise.all([of(setTimeout), of(imported), of(every)])))
  `) as number[]
  // A timer may be late, and never early but for the millisecond that it counts in.
  for (const ms of elapsed) assert.ok(ms >= 5 * 32 - 1, String(elapsed))
})

test('a time-out with arguments and one that is cleared_work as they do', () => {
  const heard = says(`
    const cleared = setTimeout(() => console.log('"cleared"'), 1)
    clearTimeout(cleared)
    setTimeout((one) => console.log(JSON.stringify(one)), 2, 'argument')
  `)
  assert.equal(heard, 'argument')
})

test('the clock_runs as much more slowly, and never back', () => {
  const { slow, outside, back } = says(`
    const [begun, slowBegun] = [process.hrtime.bigint(), performance.now()]
    let back = 0
    let last = slowBegun
    while (process.hrtime.bigint() - begun < 100_000_000n) {
      const now = performance.now()
      if (now < last) back++
      last = now
    }
    const slow = performance.now() - slowBegun
    console.log(JSON.stringify({ slow, outside: Number(process.hrtime.bigint() - begun) / 1e6, back }))
  `) as { slow: number; outside: number; back: number }
  assert.equal(back, 0)
  // Read within what is measured outside of it.
  assert.ok(slow > 0 && slow <= outside / 32 + 0.001, JSON.stringify({ slow, outside }))
})
