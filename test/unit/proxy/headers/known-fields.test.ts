import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Curiosity } from '../../../../src/proxy/headers/curiosity.ts'
import { JoinedFields, KnownFields } from '../../../../src/proxy/headers/known-fields.ts'

/** Remembers everything. */
const curious = new Curiosity(1, 1)

/** Adds it, if it is known, behind others. */
function added(known: KnownFields, before: string[], name: string, value: string): string[] {
  known.addIfKnown(before, name, value)
  return before
}

test('a field that stood in this place_added; of another name, another value or in another place_not', () => {
  const known = new KnownFields(curious)
  known.learn(2, 'accept', '*/*')
  assert.deepEqual(added(known, ['a', 'b'], 'accept', '*/*'), ['a', 'b', 'accept', '*/*'])
  assert.deepEqual(added(known, ['a', 'b'], 'accepts', '*/*'), ['a', 'b'])
  assert.deepEqual(added(known, ['a', 'b'], 'accept', '*/'), ['a', 'b'])
  assert.deepEqual(added(known, [], 'accept', '*/*'), [])
  assert.deepEqual(added(known, [], '', ''), [], 'where none stood nothing is known')
})

test('not each is remembered, and none far behind', () => {
  const known = new KnownFields(new Curiosity(3, 3, () => 0.5))
  known.learn(0, 'a', 'b')
  known.learn(0, 'c', 'd')
  assert.deepEqual([known.addIfKnown([], 'a', 'b'), known.addIfKnown([], 'c', 'd')], [true, false])
  const many = Array.from({ length: 1_000 }, () => 'x')
  const all = new KnownFields(curious)
  all.learn(many.length, 'a', 'b')
  assert.equal(all.addIfKnown(many, 'a', 'b'), false)
})

/** As undici writes them. */
function written(fields: readonly string[]): string {
  let text = ''
  for (let index = 0; index < fields.length; index += 2) text += `${fields[index]}: ${fields[index + 1]}\r\n`
  return text
}

const text = fc.constantFrom('a', 'b', 'x-c', '', 'a: b', '\xe9')
const fields = fc.array(fc.tuple(text, text), { maxLength: 4 }).map((pairs) => pairs.flat())

test('whatever comes behind whatever_written the same as field by field', () => {
  fc.assert(
    fc.property(fc.array(fields, { maxLength: 12 }), (lists) => {
      const joined = new JoinedFields(curious)
      for (const list of [...lists, ...lists]) assert.equal(written(joined.of([...list])), written(list))
    }),
  )
})

test('the same again_one field, in one piece, and the same one each time', () => {
  const joined = new JoinedFields(curious)
  const list = ['a', 'b', 'x-c', 'd', 'e', 'f']
  assert.equal(joined.of(list), list)
  const once = joined.of([...list])
  assert.deepEqual(once, ['a', 'b\r\nx-c: d\r\ne: f'])
  assert.equal(joined.of([...list]), once)
})

test('not each is remembered, and no list that is one field already', () => {
  const joined = new JoinedFields(new Curiosity(3, 3, () => 0.5))
  const [first, second] = [
    ['a', 'b', 'c', 'd'],
    ['e', 'f', 'g', 'h'],
  ]
  for (const list of [first, second]) joined.of(list)
  assert.notEqual(joined.of(first), first)
  assert.equal(joined.of(second), second)
  const one = ['a', 'b']
  const single = new JoinedFields(curious)
  for (let times = 1; times <= 3; times++) assert.equal(single.of(one), one)
})
