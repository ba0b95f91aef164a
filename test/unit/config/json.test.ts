import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type ParsedJson, type PlacedFinding, parseJson } from '../../../src/config/json.ts'
import { placeKey } from '../../../src/config/problem.ts'

function parsed(text: string): ParsedJson {
  const result = parseJson(text)
  if ('finding' in result) assert.fail(`refused: ${JSON.stringify(result)}`)
  return result
}

function fault(text: string): PlacedFinding {
  const result = parseJson(text)
  if (!('finding' in result)) assert.fail(`accepted: ${JSON.stringify(result.value)}`)
  return result
}

/** JSON with whatever JSON.stringify puts between its parts, and keys that JavaScript knows. */
const jsonText = fc
  .tuple(fc.jsonValue({ maxDepth: 4 }), fc.constantFrom<string | number>('', 2, '\t', '\r\n'))
  .map(([value, space]) => JSON.stringify(value, null, space))
  .filter((text) => !text.includes('__proto__'))

test('json any_valid_text gives what JSON.parse gives', () => {
  fc.assert(
    fc.property(jsonText, (text) => assert.deepStrictEqual(parsed(text).value, JSON.parse(text))),
    { numRuns: 500 },
  )
})

test('json any_text is refused where JSON.parse refuses it and only there', () => {
  const tokens = [
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    '"a"',
    '"',
    '1',
    '-',
    '.5',
    '01',
    'e3',
    'true',
    'nul',
    ' ',
    '\\',
    "'",
  ]
  const soup = fc.array(fc.constantFrom(...tokens), { maxLength: 8 }).map((parts) => parts.join(''))
  const damaged = fc.tuple(jsonText, fc.nat(), fc.constantFrom(...tokens, '')).map(([text, at, token]) => {
    const offset = at % (text.length + 1)
    return text.slice(0, offset) + token + text.slice(offset + 1)
  })
  fc.assert(
    fc.property(fc.oneof(soup, damaged), (text) => {
      assert.equal(!('finding' in parseJson(text)), isJson(text), text)
    }),
    { numRuns: 2000 },
  )
})

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

const faults: [condition: string, text: string, found: string, expected: RegExp, hint: RegExp | null][] = [
  ['end_of_file', '{"a": 1', 'the end of the file at line 1, column 8', /"," or "}"/, null],
  ['trailing_comma_in_object', '{\n  "a": 1,\n}', '"}" at line 3, column 1', /a key/, /remove the comma/],
  ['trailing_comma_in_array', '[1,\n]', '"]" at line 2, column 1', /a value/, /remove the comma/],
  ['missing_comma', '{\n "a": 1\n "b": 2}', '"\\"b" at line 3, column 2', /"," or "}"/, /a comma is missing/],
  ['missing_colon', '{"a" 1}', '"1" at line 1, column 6', /":"/, null],
  ['comment', '{\n  // ports\n}', '"//" at line 2, column 3', /a key/, /no comments/],
  ['hash_comment', '# ports\n{}', '"#" at line 1, column 1', /a value/, /no comments/],
  ['single_quotes', "{'a': 1}", '"\'a\'" at line 1, column 2', /a key/, /double quotes/],
  ['bare_key', '{a: 1}', '"a" at line 1, column 2', /a key/, /double quotes/],
  ['bare_word', '{"a": info}', '"info" at line 1, column 7', /a value/, /double quotes/],
  ['python_literal', '{"a": True}', '"True" at line 1, column 7', /a value/, /double quotes/],
  ['second_value', '{} {}', '"{" at line 1, column 4', /nothing behind the end/, null],
  ['line_break_in_text', '"a\nb"', '"\\nb" at line 1, column 3', /closing double quote/, /written \\n/],
  ['unknown_escape', '"C:\\dir"', '"\\\\dir" at line 1, column 4', /an escape/, /written \\\\/],
  ['leading_zero', '[01]', '"1" at line 1, column 3', /"," or "]"/, null],
]

for (const [condition, text, found, expected, hint] of faults) {
  test(`json ${condition} is told with its place`, () => {
    const { finding, offset } = fault(text)
    assert.deepEqual(finding.path, [])
    assert.equal(finding.found, found)
    assert.match(finding.expected, expected)
    if (hint === null) assert.equal(finding.hint, null)
    else assert.match(finding.hint ?? 'no hint', hint)
    assert.ok(offset !== null && offset <= text.length)
  })
}

test('json nested_too_deeply is refused without a stack overflow', () => {
  parsed('['.repeat(33) + ']'.repeat(33))
  assert.match(fault('['.repeat(34) + ']'.repeat(34)).finding.expected, /at most 32 levels/)
  assert.match(fault('[{"a":'.repeat(100_000)).finding.expected, /at most 32 levels/)
})

test('json each_key_and_element is found again by its path', () => {
  const text = '{ "a": [1, {"b\\u0063": 2}],\n "d": {} }'
  const { offsets } = parsed(text)
  const beginning = (...path: (string | number)[]) => text.slice(offsets.get(placeKey(path)))
  assert.equal(offsets.size, 5)
  assert.match(beginning('a'), /^"a"/)
  assert.match(beginning('a', 0), /^1,/)
  assert.match(beginning('a', 1), /^\{"b/)
  assert.match(beginning('a', 1, 'bc'), /^"b\\u0063"/)
  assert.match(beginning('d'), /^"d"/)
})

test('json key_twice is found and the last one counts', () => {
  const { value, findings } = parsed('{"a": 1,\n"b": 2,\n"\\u0061": 3}')
  assert.deepEqual(value, { a: 3, b: 2 })
  assert.deepEqual(
    findings.map(({ finding, offset }) => [finding.path, finding.found, offset]),
    [[['a'], 'a second "a"; the first is on line 1', 17]],
  )
})

test('json __proto__ is found and sets no prototype', () => {
  const { value, findings } = parsed('{"x": {"__proto__": {"polluted": true}, "constructor": 1}}')
  const { x } = value as { x: object }
  assert.equal(Object.getPrototypeOf(x), Object.prototype)
  assert.deepEqual(Object.keys(x), ['constructor'])
  assert.deepEqual(
    findings.map(({ finding }) => finding.path),
    [['x', '__proto__']],
  )
})

test('json file_full_of_repeated_keys has each of them found', () => {
  const text = `{${Array.from({ length: 50_000 }, () => '"a":\n1').join(',')}}`
  assert.equal(parsed(text).findings.length, 49_999)
})
