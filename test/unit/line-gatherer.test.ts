import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { countLines, LineGatherer } from '../../src/line-gatherer.ts'

function gatherer(chunkBytes: number) {
  const handed: Buffer[] = []
  const copies: Buffer[] = []
  const subject = new LineGatherer(chunkBytes, (lines) => {
    handed.push(lines)
    copies.push(Buffer.from(lines))
  })
  return { subject, handed, copies, texts: () => handed.map(String) }
}

test('lines_wait until the next finds no room', () => {
  const { subject, texts } = gatherer(10)
  subject.write('one\n')
  subject.write('two\n')
  assert.deepEqual(texts(), [])
  subject.write('three\n')
  assert.deepEqual(texts(), ['one\ntwo\n'])
  subject.handOver()
  assert.deepEqual(texts(), ['one\ntwo\n', 'three\n'])
})

test('handing over_nothing gathered, nothing handed over', () => {
  const { subject, texts } = gatherer(10)
  subject.handOver()
  subject.write('one\n')
  subject.handOver()
  subject.handOver()
  assert.deepEqual(texts(), ['one\n'])
})

test('a line that fills it to the byte_stays; one longer than it goes by itself, in its turn', () => {
  const { subject, texts } = gatherer(8)
  subject.write('1234567\n')
  assert.deepEqual(texts(), [])
  subject.write('12345678\n')
  assert.deepEqual(texts(), ['1234567\n', '12345678\n'])
  subject.write('x\n')
  subject.handOver()
  assert.deepEqual(texts(), ['1234567\n', '12345678\n', 'x\n'])
})

test('any lines, handed over at any time_come whole, in order, within the bound, and are not written to again', () => {
  const line = fc.string({ unit: 'grapheme', maxLength: 40 }).map((text) => `${text.replaceAll('\n', ' ')}\n`)
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 64 }),
      fc.array(fc.oneof(line, fc.constant(null)), { maxLength: 100 }),
      (chunkBytes, steps) => {
        const { subject, handed, copies } = gatherer(chunkBytes)
        for (const step of steps) {
          if (step === null) subject.handOver()
          else subject.write(step)
        }
        subject.handOver()
        assert.deepEqual(handed, copies)
        assert.equal(Buffer.concat(handed).toString(), steps.filter((step) => step !== null).join(''))
        for (const lines of handed) {
          assert.equal(lines.at(-1), 0x0a)
          assert.ok(lines.length <= chunkBytes || countLines(lines) === 1)
        }
      },
    ),
  )
})

test('count_of line ends', () => {
  assert.deepEqual(
    ['', '\n', 'a\nb\n', 'a\nb'].map((text) => countLines(Buffer.from(text))),
    [0, 1, 2, 1],
  )
})
