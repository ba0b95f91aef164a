import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { HashKey } from '../../../../src/plan/balance-plan.ts'
import { hashText } from '../../../../src/proxy/balance/hash-text.ts'
import { cookieEnd, cookieStart, headerOf, keyOf } from '../../../../src/proxy/balance/request-key.ts'
import { type RequestParts, request } from './requests.ts'

const cookie = (value: string): RequestParts => ({ headers: ['cookie', value] })

/** What is hashed; null: nothing. */
const cases: [by: HashKey, parts: RequestParts, text: string | null][] = [
  ['address', { address: '2001:db8::7' }, '2001:db8::7'],
  ['address', { address: '' }, null],
  ['path', { target: '/a/b?q=1' }, '/a/b'],
  ['path', { target: '/a/b' }, '/a/b'],
  ['path', { target: '/?' }, '/'],
  [{ header: 'x-user' }, { headers: ['x-users', 'no', 'x-user', 'ann', 'x-user', 'bob'] }, 'ann'],
  [{ header: 'x-user' }, { headers: ['accept', 'x-user'] }, null],
  [{ header: 'host' }, { host: 'a.example', headers: ['host', 'no'] }, 'a.example'],
  [{ header: 'host' }, { host: '' }, null],
  [{ header: 'x-user' }, { headers: ['x-user', ''] }, null],
  [{ cookie: 'sid' }, cookie('sid=7'), '7'],
  [{ cookie: 'sid' }, cookie('a=1; sid=7; b=2'), '7'],
  [{ cookie: 'sid' }, cookie('a=1;sid=7 ;b=2'), '7'],
  [{ cookie: 'sid' }, cookie('xsid=1; sid=a=b'), 'a=b'],
  [{ cookie: 'sid' }, cookie('sidx=1; a=sid=2'), null],
  [{ cookie: 'sid' }, cookie('sid; a=1'), null],
  [{ cookie: 'sid' }, cookie('sid='), null],
  [{ cookie: 'sid' }, cookie(''), null],
  [{ cookie: 'sid' }, cookie(';;; sid=7'), '7'],
  [{ cookie: 'sid' }, {}, null],
  [{ query: 'q' }, { target: '/a?q=7' }, '7'],
  [{ query: 'q' }, { target: '/a?p=1&q=a%20b&q=2' }, 'a%20b'],
  [{ query: 'q' }, { target: '/q=1?qq=2&p=q=3' }, null],
  [{ query: 'q' }, { target: '/a?q' }, null],
  [{ query: 'q' }, { target: '/a?q=&b=1' }, null],
  [{ query: 'q' }, { target: '/a?&&q=?' }, '?'],
  [{ query: 'q' }, { target: '/a' }, null],
]

for (const [by, parts, text] of cases) {
  test(`by ${JSON.stringify(by)} ${JSON.stringify(parts)}_${JSON.stringify(text)}`, () => {
    assert.equal(keyOf(by)(request(parts)), text === null ? -1 : hashText(text))
  })
}

test('any cookies_the first with the name, as a plain split finds it', () => {
  const part = fc.stringMatching(/^[ab= ]{0,4}$/)
  fc.assert(
    fc.property(fc.array(part, { maxLength: 5 }), (parts) => {
      const cookies = parts.join(';')
      const found = cookies
        .split(';')
        .map((each) => each.replace(/^ +/, ''))
        .find((each) => each.startsWith('a='))
      const start = cookieStart(cookies, 'a')
      if (found === undefined) assert.equal(start, -1)
      else assert.equal(cookies.slice(start, cookieEnd(cookies, start)), found.slice(2).trimEnd())
    }),
  )
})

test('headerOf a value that reads like the name_not mistaken for it', () => {
  assert.equal(headerOf(['a', 'cookie', 'b', 'c'], 'cookie'), null)
})
