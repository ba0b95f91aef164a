import assert from 'node:assert/strict'
import { mock, type TestContext, test } from 'node:test'
import { IdleTimer } from '../../../src/proxy/idle-timer.ts'

interface Kit {
  readonly timer: IdleTimer
  readonly closed: () => string
  pass(ms: number): void
}

function kit(t: TestContext): Kit {
  t.after(() => mock.timers.reset())
  mock.timers.enable({ apis: ['setTimeout'] })
  let now = 0
  let closed = ''
  const socket = {
    destroy: (error: Error) => {
      closed = error.message
    },
  }
  const timer = new IdleTimer(socket, () => now)
  const pass = (ms: number): void => {
    now += ms
    mock.timers.tick(ms)
  }
  return { timer, closed: () => closed, pass }
}

test('idle for its time_closed, and not before', (t) => {
  const { timer, closed, pass } = kit(t)
  timer.start(4_000)
  pass(3_999)
  assert.equal(closed(), '')
  pass(1)
  assert.equal(closed(), 'socket idle timeout')
})

test('work meanwhile_the time begins anew, without a new timer', (t) => {
  const { timer, closed, pass } = kit(t)
  for (let request = 0; request < 10; request++) {
    timer.start(4_000)
    pass(1_000)
    timer.busy()
    pass(1_500)
  }
  assert.equal(closed(), '')
  timer.start(4_000)
  pass(3_999)
  assert.equal(closed(), '')
  pass(1)
  assert.equal(closed(), 'socket idle timeout')
})

test('busy when the timer fires_left alone, until it idles again', (t) => {
  const { timer, closed, pass } = kit(t)
  timer.start(4_000)
  timer.busy()
  pass(60_000)
  assert.equal(closed(), '')
  timer.start(4_000)
  pass(4_000)
  assert.equal(closed(), 'socket idle timeout')
})

test('a shorter time than before_holds', (t) => {
  const { timer, closed, pass } = kit(t)
  timer.start(60_000)
  timer.busy()
  timer.start(1_000)
  pass(1_000)
  assert.equal(closed(), 'socket idle timeout')
})

test('stopped_nothing is closed', (t) => {
  const { timer, closed, pass } = kit(t)
  timer.start(1_000)
  timer.stop()
  pass(5_000)
  assert.equal(closed(), '')
})
