import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Curiosity } from '../../../../src/proxy/headers/curiosity.ts'
import { type FieldName, fieldName } from '../../../../src/proxy/headers/field-names.ts'
import { JoinedFields, KnownFields, KnownValues } from '../../../../src/proxy/headers/known-fields.ts'

/** Remembers everything. */
const curious = new Curiosity(1, 1)

/** Adds it, if it is known, behind others. */
function added(known: KnownFields, before: string[], name: string, value: string): string[] {
  known.addIfKnown(before, name, value)
  return before
}

test('a field that stood in this place_added; of another name, another value or in another place_not', () => {
  const known = new KnownFields(() => curious)
  known.learn(2, 'accept', '*/*')
  assert.deepEqual(added(known, ['a', 'b'], 'accept', '*/*'), ['a', 'b', 'accept', '*/*'])
  assert.deepEqual(added(known, ['a', 'b'], 'accepts', '*/*'), ['a', 'b'])
  assert.deepEqual(added(known, ['a', 'b'], 'accept', '*/'), ['a', 'b'])
  assert.deepEqual(added(known, [], 'accept', '*/*'), [])
  assert.deepEqual(added(known, [], '', ''), [], 'where none stood nothing is known')
})

const [accept, cookie] = ['accept', 'cookie'].map((name) => fieldName(name)!) as [FieldName, FieldName]

test('a value that the field had_added wherever it stands; another one, or that of another field_not', () => {
  const known = new KnownValues(() => curious)
  const fields: string[] = []
  assert.equal(known.addIfKnown(fields, accept, ''), false, 'at first nothing is known')
  known.learn(accept, '*/*')
  assert.ok(known.addIfKnown(fields, accept, '*/*'))
  assert.ok(known.addIfKnown(fields, accept, '*/*'))
  assert.equal(known.addIfKnown(fields, accept, '*/'), false)
  assert.equal(known.addIfKnown(fields, cookie, '*/*'), false)
  assert.deepEqual(fields, ['accept', '*/*', 'accept', '*/*'])
})

test('one field is always the same_no reason to remember more of another, which never is', () => {
  const known = new KnownValues(() => new Curiosity(2, 1_024, () => 0.5))
  known.learn(accept, '*/*')
  for (let times = 0; times < 1_000; times++) {
    assert.ok(known.addIfKnown([], accept, '*/*'))
    known.learn(cookie, `${times}`)
  }
  // Remembered were 0, 2, 6, 14 and so on: each time twice as many are let go, and one.
  assert.ok(known.addIfKnown([], cookie, '510'))
})

test('not each is remembered, and none far behind', () => {
  const known = new KnownFields(() => new Curiosity(3, 3, () => 0.5))
  known.learn(0, 'a', 'b')
  known.learn(0, 'c', 'd')
  assert.deepEqual([known.addIfKnown([], 'a', 'b'), known.addIfKnown([], 'c', 'd')], [true, false])
  const many = Array.from({ length: 1_000 }, () => 'x')
  const all = new KnownFields(() => curious)
  all.learn(many.length, 'a', 'b')
  assert.equal(all.addIfKnown(many, 'a', 'b'), false)
})

/** As undici writes them. */
function written(fields: readonly string[]): string {
  let text = ''
  for (let index = 0; index < fields.length; index += 2) text += `${fields[index]}: ${fields[index + 1]}\r\n`
  return text
}

// Names that field-names.ts has are joined in another way.
const text = fc.constantFrom('a', 'b', 'x-c', '', 'a: b', '\xe9', 'accept', 'cookie', 'x-forwarded-for')
const fields = fc.array(fc.tuple(text, text), { maxLength: 4 }).map((pairs) => pairs.flat())

test('whatever comes behind whatever_written the same as field by field', () => {
  fc.assert(
    fc.property(fc.array(fields, { maxLength: 12 }), (lists) => {
      for (const joined of [new JoinedFields(curious), new JoinedFields()])
        for (const list of [...lists, ...lists]) assert.equal(written(joined.of([...list])), written(list))
    }),
  )
})

test('the same again_one field, and the same one each time', () => {
  const joined = new JoinedFields(curious)
  const list = ['a', 'b', 'x-c', 'd', 'e', 'f']
  const once = joined.of(list)
  assert.deepEqual(once, ['a', 'b\r\nx-c: d\r\ne: f'])
  assert.equal(joined.of([...list]), once)
})

test('not each is remembered, and no list that is one field already', () => {
  const joined = new JoinedFields(new Curiosity(3, 3, () => 0.5))
  const [first, second] = [
    ['a', 'b', 'c', 'd'],
    ['e', 'f', 'g', 'h'],
  ]
  const once = joined.of(first)
  const others = [joined.of(second), joined.of(second)]
  assert.deepEqual(others[1], ['e', 'f\r\ng: h'])
  assert.notEqual(others[1], others[0])
  assert.equal(joined.of(first), once)
  const one = ['a', 'b']
  const single = new JoinedFields(curious)
  for (let times = 1; times <= 3; times++) assert.equal(single.of(one), one)
})
