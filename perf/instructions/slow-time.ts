/**
 * For a process in which all takes many times as long: its JavaScript sees time go by as much more slowly (`node --import`). Else
 * what is done by time, such as looking at deadlines 20 times a second, would be charged to thirty times fewer requests than it is
 * for, and to fewer still on a busy machine; and what looks at latencies would see such as it never sees.
 */
import { syncBuiltinESMExports } from 'node:module'
import timers from 'node:timers'
import { slowdown } from './slowdown.ts'

const { setTimeout: setTimeoutAsItIs, setInterval: setIntervalAsItIs } = timers
const scaled = (ms: unknown) => Number(ms ?? 1) * slowdown

const slow = {
  setTimeout: (callback: () => void, ms?: number, ...args: []) =>
    setTimeoutAsItIs(callback, scaled(ms), ...args),
  setInterval: (callback: () => void, ms?: number, ...args: []) =>
    setIntervalAsItIs(callback, scaled(ms), ...args),
}
Object.assign(timers, slow)
Object.assign(globalThis, slow)
syncBuiltinESMExports()

const now = performance.now.bind(performance)
performance.now = () => now() / slowdown
