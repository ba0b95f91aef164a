import assert from 'node:assert/strict'
import { test } from 'node:test'
import { headerNameFault, headerValueFault } from '../../../src/config/header-field.ts'

for (const name of ['Content-Type', 'x', 'X_1', "!#$%&'*+-.^_`|~"]) {
  test(`headerNameFault ${name} is none`, () => assert.equal(headerNameFault(name), null))
}

for (const name of ['', 'a b', 'a:', 'a\r\nb', 'a\u0000', 'ä', 'a"', '(a)', 'a/b']) {
  test(`headerNameFault ${JSON.stringify(name)} is no token`, () => {
    assert.match(headerNameFault(name) ?? 'no fault', /letters, digits and/)
  })
}

for (const name of ['Content-Length', 'transfer-encoding', 'CONNECTION', 'Date', 'Keep-Alive', 'Upgrade']) {
  test(`headerNameFault ${name} is Weir's own`, () => {
    assert.match(headerNameFault(name) ?? 'no fault', /leave it out/)
  })
}

for (const value of ['', 'text/plain; charset=utf-8', 'a\tb', '~ !"']) {
  test(`headerValueFault ${JSON.stringify(value)} is none`, () => assert.equal(headerValueFault(value), null))
}

test('headerValueFault every_character_but_printable_ascii_and_tab is refused', () => {
  const passed: number[] = []
  for (let code = 0; code < 0x1_0000; code++) {
    if (headerValueFault(`a${String.fromCharCode(code)}b`) === null) passed.push(code)
  }
  const printable = Array.from({ length: 0x7f - 0x20 }, (_, index) => 0x20 + index)
  assert.deepEqual(passed, [0x09, ...printable])
})

test('headerValueFault line_break_at_the_end is refused', () => {
  for (const end of ['\n', '\r', '\r\n', '\u0000']) assert.notEqual(headerValueFault(`a${end}`), null)
})
