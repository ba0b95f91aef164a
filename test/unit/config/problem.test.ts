import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { formatPath, type Path, show } from '../../../src/config/problem.ts'

const paths: [path: Path, text: string][] = [
  [[], ''],
  [['listen'], 'listen'],
  [['$schema'], '$schema'],
  [['routes', 2, 'path'], 'routes[2].path'],
  [['upstreams', 'app', 'timeouts', 'connect'], 'upstreams.app.timeouts.connect'],
  [['upstreams', 'my-app', 0], 'upstreams.my-app[0]'],
  [['upstreams', 'a.b', 'queue'], 'upstreams["a.b"].queue'],
  [['upstreams', '1'], 'upstreams["1"]'],
  [['a b'], '["a b"]'],
  [['', 'x'], '[""].x'],
]

for (const [path, text] of paths) {
  test(`formatPath ${JSON.stringify(path)} is ${JSON.stringify(text)}`, () => {
    assert.equal(formatPath(path), text)
  })
}

test('show long_value is cut to 60 characters', () => {
  const text = show({ list: Array.from({ length: 100 }, (_, index) => index) })
  assert.equal(text.length, 60)
  assert.match(text, /^\{"list":\[0,1,.*\.\.\.$/)
})

test('show absent_value says nothing', () => {
  assert.equal(show(undefined), 'nothing')
  assert.equal(show('nothing'), '"nothing"')
})

test('show any_value cannot steer a terminal', () => {
  const dangerous = fc.constantFrom(
    '\u001b[2J',
    '\u009b2J',
    '\u007f',
    '\u202e',
    '\u2028',
    '\n',
    '\ud800',
    'é',
    'x',
  )
  fc.assert(
    fc.property(fc.array(dangerous, { maxLength: 30 }), (parts) => {
      assert.match(show(parts.join('')), /^[^\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]*$/u)
    }),
  )
})
