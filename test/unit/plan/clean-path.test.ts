import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { cleanPath } from '../../../src/plan/clean-path.ts'

const cases: Record<string, string | null> = {
  '/': '/',
  '/a/b': '/a/b',
  '//': '/',
  '//a///b': '/a/b',
  '/a/': '/a/',
  '/a//': '/a/',
  '/a/.': '/a/',
  '/a/./b': '/a/b',
  '/a/..': '/',
  '/a/b/..': '/a/',
  '/a/../b': '/b',
  '/a/%2e%2E/b': '/b',
  '/a%2fb': '/a/b',
  '/a%2F..%2fb': '/b',
  '/%61dmin': '/admin',
  '/caf%c3%a9': '/caf%C3%A9',
  '/%7eme': '/~me',
  '/a%zz%2': '/a%25zz%252',
  '/%a%41': '/%25aA',
  '/%252e%252e/a': '/%252e%252e/a',
  '/.well-known/x': '/.well-known/x',
  '/a/...': '/a/...',
  '/..': null,
  '/../a': null,
  '/a/../..': null,
  '/%2e%2e/a': null,
  '/%2e.%2fa': null,
  '//..': null,
  '/admin\\secret': '/admin/secret',
  '/x\\..\\admin\\secret': '/admin/secret',
  '/a\\': '/a/',
  '/\\a': '/a',
  '/a/.\\b': '/a/b',
  '/a\\%2e%2e\\b': '/b',
  '/\\..': null,
  '/a%5cb': '/a/b',
  '/admin%5C%5csecret': '/admin/secret',
  '/a/.%5cb%5c': '/a/b/',
  '/a%5c...': '/a/...',
  '/a%255cb': '/a%255cb',
  '/x%5c..%5cadmin': null,
  '/admin/x%5c..%5c..%5cy': null,
  '/a%5C..': null,
  '/a%5cb%2f%2e%2E': null,
  '/public/a%5cb/../../admin': null,
  '/public/a%5cb/x\\..\\admin': null,
  // Merging comes first, as in nginx: what resolves first (WHATWG URL) sees /admin/secret.
  '/admin//../secret': '/secret',
  '/a;b/..;/c': '/a;b/..;/c',
  "/0!$&'()*+,-:;<=>?@[]^_`{|}~": "/0!$&'()*+,-:;<=>?@[]^_`{|}~",
}

test('a path has one spelling', () => {
  for (const [path, clean] of Object.entries(cases)) assert.equal(cleanPath(path), clean, path)
})

test('a path asked for again, behind any other_has the same spelling', () => {
  for (const before of Object.keys(cases))
    for (const [path, clean] of Object.entries(cases)) {
      cleanPath(before)
      assert.deepEqual([cleanPath(path), cleanPath(path)], [clean, clean], `${path} behind ${before}`)
    }
})

test('a clean path is left alone, and has neither dot segments nor empty ones', () => {
  const piece = fc.constantFrom(
    '/',
    '.',
    '..',
    'a',
    'B',
    '%2e',
    '%2F',
    '%41',
    '%25',
    '%c3',
    '~',
    '%',
    '\\',
    '%5c',
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      const clean = cleanPath(`/${pieces.join('')}`)
      if (clean === null) return
      assert.equal(cleanPath(clean), clean)
      assert.ok(clean.startsWith('/'))
      assert.doesNotMatch(clean, /\/\/|\/\.\.?(\/|$)|%2[eEfF]|%5[cC]|\\/)
    }),
  )
})
