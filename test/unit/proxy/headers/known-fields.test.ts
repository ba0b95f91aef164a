import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { JoinedFields, KnownFields } from '../../../../src/proxy/headers/known-fields.ts'

/** Adds it, if it is known, behind others. */
function added(known: KnownFields, before: string[], name: string, value: string): string[] {
  known.add(before, name, value)
  return before
}

test('a field that stood in this place_added; of another name, another value or in another place_not', () => {
  const known = new KnownFields(1)
  known.missed(2, 'accept', '*/*')
  assert.deepEqual(added(known, ['a', 'b'], 'accept', '*/*'), ['a', 'b', 'accept', '*/*'])
  assert.deepEqual(added(known, ['a', 'b'], 'accepts', '*/*'), ['a', 'b'])
  assert.deepEqual(added(known, ['a', 'b'], 'accept', '*/'), ['a', 'b'])
  assert.deepEqual(added(known, [], 'accept', '*/*'), [])
  assert.deepEqual(added(known, [], '', ''), [], 'where none stood nothing is known')
})

test('one of so many is remembered, and none far behind', () => {
  const known = new KnownFields(3)
  for (let times = 1; times <= 3; times++) {
    assert.equal(known.add([], 'a', 'b'), false)
    known.missed(0, 'a', 'b')
  }
  assert.equal(known.add([], 'a', 'b'), true)
  const many = Array.from({ length: 1_000 }, () => 'x')
  new KnownFields(1).missed(many.length, 'a', 'b')
  assert.equal(known.add(many, 'a', 'b'), false)
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
      const joined = new JoinedFields(1)
      for (const list of [...lists, ...lists]) assert.equal(written(joined.of([...list])), written(list))
    }),
  )
})

test('the same again_one field, in one piece, and the same one each time', () => {
  const joined = new JoinedFields(1)
  const list = ['a', 'b', 'x-c', 'd', 'e', 'f']
  assert.equal(joined.of(list), list)
  const once = joined.of([...list])
  assert.deepEqual(once, ['a', 'b\r\nx-c: d\r\ne: f'])
  assert.equal(joined.of([...list]), once)
})

test('one of so many is remembered, and no list that is one field already', () => {
  const joined = new JoinedFields(3)
  const list = ['a', 'b', 'c', 'd']
  for (let times = 1; times <= 3; times++) assert.equal(joined.of(list), list)
  assert.notEqual(joined.of(list), list)
  const single = new JoinedFields(1)
  const one = ['a', 'b']
  for (let times = 1; times <= 3; times++) assert.equal(single.of(one), one)
})
