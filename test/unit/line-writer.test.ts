import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LineWriter } from '../../src/line-writer.ts'

type Written = (error: NodeJS.ErrnoException | null, written: number) => void

/** A descriptor whose writes end when the test says so, and the writer in front of it. */
function writer({ writeBytesMax = 100, backlogMax = 1_000, reserveBytes = 0 } = {}) {
  const underWay: { text: string; done: Written }[] = []
  const codes: string[] = []
  const now = { text: '', answers: [] as (number | string)[] }
  let taken = ''
  const subject = new LineWriter({
    to: {
      write: (bytes, done) => void underWay.push({ text: String(bytes), done }),
      writeNow: (bytes) => {
        const answer = now.answers.shift() ?? bytes.length
        if (typeof answer === 'string') throw fault(answer)
        now.text += String(bytes.subarray(0, answer))
        return answer
      },
    },
    writeBytesMax,
    backlogMax,
    reserveBytes,
    onFailed: (code) => codes.push(code),
  })
  return {
    subject,
    codes,
    now,
    write: (text: string) => subject.write(Buffer.from(text)),
    /** What the descriptor has got. */
    taken: () => taken,
    /** What it is asked to take at this moment. */
    asked: () => underWay.map(({ text }) => text),
    take: (count?: number) => {
      const { text, done } = underWay.shift()!
      taken += text.slice(0, count)
      done(null, count ?? text.length)
    },
    fail: (code: string) => underWay.shift()!.done(fault(code), 0),
  }
}

function fault(code: string): NodeJS.ErrnoException {
  return Object.assign(new Error(code), { code })
}

test('lines_one write at a time; what has come meanwhile goes together, up to the bound', () => {
  const { write, asked, take, taken } = writer({ writeBytesMax: 8 })
  for (const line of ['one\n', 'two\n', 'six\n', 'ten\n']) write(line)
  assert.deepEqual(asked(), ['one\n'])
  take()
  assert.deepEqual(asked(), ['two\nsix\n'])
  take()
  take()
  assert.deepEqual([asked(), taken()], [[], 'one\ntwo\nsix\nten\n'])
})

test('write that ends early_the rest follows before anything else', () => {
  const { write, asked, take, taken } = writer()
  write('one\n')
  write('two\n')
  take(2)
  assert.deepEqual(asked(), ['e\n'])
  take()
  take()
  assert.equal(taken(), 'one\ntwo\n')
})

test('backlog is full_further lines are counted, not kept', () => {
  const { subject, write, take, taken } = writer({ backlogMax: 8 })
  for (const line of ['one\n', 'two\n', 'six\n', 'a\nb\n']) write(line)
  assert.deepEqual([subject.takeDropped(), subject.takeDropped()], [2, 0])
  take()
  take()
  assert.equal(taken(), 'one\ntwo\nsix\n')
})

test('backlog is full_how many were dropped is told when there is room to say so, which is kept free for it', () => {
  const { subject, write, take, taken, asked } = writer({ writeBytesMax: 4, backlogMax: 12, reserveBytes: 8 })
  for (const line of ['one\n', 'two\n', 'six\n', 'ten\n', 'a\nb\n']) write(line)
  assert.equal(subject.takeDropped(), 0, 'nowhere to write it')
  take()
  write('not\n')
  assert.equal(subject.takeDropped(), 0)
  take()
  assert.deepEqual([subject.takeDropped(), subject.takeDropped()], [3, 0])
  for (const line of ['3 1\n', 'yes\n', 'no\n']) write(line)
  assert.equal(subject.takeDropped(), 0)
  while (asked().length > 0) take()
  assert.deepEqual([taken(), subject.takeDropped()], ['one\ntwo\nsix\nten\n3 1\nyes\n', 1])
})

test('write that fails_its lines are dropped, the next are tried, and the count is told when one arrives', () => {
  const { subject, write, asked, take, taken, fail, codes } = writer()
  write('one\n')
  write('two\nsix\n')
  fail('ENOSPC')
  assert.deepEqual(asked(), ['two\nsix\n'])
  fail('ENOSPC')
  assert.equal(subject.takeDropped(), 0, 'nobody could read it')
  assert.deepEqual([asked(), codes], [[], ['ENOSPC']])
  write('ten\n')
  take()
  assert.deepEqual([taken(), subject.takeDropped(), subject.takeDropped()], ['ten\n', 3, 0])
})

test('write that fails in the middle of a line_the next line begins on a new one', () => {
  const { subject, write, take, taken, fail } = writer()
  write('one\ntwo\nsix\n')
  take(6)
  fail('ENOSPC')
  write('ten\n')
  fail('ENOSPC')
  write('end\n')
  take()
  assert.deepEqual([taken(), subject.takeDropped()], ['one\ntw\nend\n', 3])
})

test('write that fails before a line end_only what is lost is counted', () => {
  const { subject, write, take, taken, fail } = writer()
  write('one\n')
  take(3)
  fail('EIO')
  write('two\n')
  take()
  assert.deepEqual([taken(), subject.takeDropped()], ['one\ntwo\n', 0])
})

test('descriptor that has no room for now_is asked again', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const { subject, write, asked, take, taken, fail, codes } = writer()
  write('one\n')
  fail('EAGAIN')
  write('two\n')
  assert.deepEqual(asked(), [])
  t.mock.timers.tick(100)
  assert.deepEqual(asked(), ['one\n'])
  take()
  take()
  assert.deepEqual([taken(), codes, subject.takeDropped()], ['one\ntwo\n', [], 0])
})

test('flush_calls back when nothing waits, also if it could not be written', () => {
  const { subject, write, take, fail } = writer()
  let flushed = 0
  subject.flush(() => flushed++)
  assert.equal(flushed, 1)
  write('one\n')
  write('two\n')
  subject.flush(() => flushed++)
  take()
  assert.equal(flushed, 1)
  fail('EPIPE')
  assert.equal(flushed, 2)
})

test('flush now_writes what waits, in pieces if need be, and gives up where it cannot', () => {
  const { subject, write, now, codes } = writer()
  for (const line of ['one\n', 'two\n', 'six\n']) write(line)
  now.answers.push(3, 'EAGAIN')
  subject.flushNow(1_000)
  assert.equal(now.text, 'two\nsix\n')
  write('ten\n')
  now.answers.push('ENOSPC')
  subject.flushNow(1_000)
  write('end\n')
  now.answers.push('EAGAIN')
  subject.flushNow(0)
  assert.deepEqual([now.text, codes], ['two\nsix\n', ['ENOSPC']])
})
