import assert from 'node:assert/strict'
import { test } from 'node:test'
import { JitCode } from '../../../../perf/profiling/v8-log.ts'

const outer = 'code-creation,JS,12,1,0x1000,256,outer file:///a.ts:1:1,0xaa,*'
const middle = 'code-creation,JS,9,1,0x5000,16,middle file:///b.ts:2:2,0xbb,~'
const inner = 'code-creation,JS,9,1,0x6000,16,inner file:///c.ts:3:3,0xcc,~'
// From 32 on `middle`, from 64 on `inner` within it, from 96 on again the function itself.
const info = 'code-source-info,0x1000,7,0,100,C0O1C32O5I0C64O9I1C96O12,F0O5F1O9I0,S0xbbS0xcc'
const lines = [outer, middle, inner, info]

test('addresses of optimised code_have the functions inlined there', () => {
  const code = JitCode.read(lines)
  const [a, b, c] = ['outer file:///a.ts:1:1', 'middle file:///b.ts:2:2', 'inner file:///c.ts:3:3']
  assert.deepEqual(code.find(0x1000), [a])
  assert.deepEqual(code.find(0x1000 + 31), [a])
  assert.deepEqual(code.find(0x1000 + 32), [b, a])
  assert.deepEqual(code.find(0x1000 + 70), [c, b, a])
  assert.deepEqual(code.find(0x1000 + 255), [a])
})

test('an address outside of all code_has none', () => {
  const code = JitCode.read(lines)
  assert.deepEqual(code.find(0xfff), [])
  assert.deepEqual(code.find(0x1100), [])
  assert.deepEqual(JitCode.read([]).find(1), [])
})

test('code without positions_is its function', () => {
  assert.deepEqual(JitCode.read(lines).find(0x5008), ['middle file:///b.ts:2:2'])
})

test('code over older code_replaces it, with its positions', () => {
  const code = JitCode.read([...lines, 'code-creation,JS,12,2,0x1000,64,later file:///d.ts:4:4,0xdd,*'])
  assert.deepEqual(code.find(0x1000 + 40), ['later file:///d.ts:4:4'])
  assert.deepEqual(code.find(0x1000 + 100), [])
})

test('code that lies between older ones_replaces all that it touches', () => {
  const code = JitCode.read([
    'code-creation,JS,12,1,0x100,16,a,0x1,*',
    'code-creation,JS,12,1,0x110,16,b,0x2,*',
    'code-creation,JS,12,2,0x108,16,c,0x3,*',
  ])
  assert.deepEqual(code.find(0x10c), ['c'])
  assert.deepEqual(code.find(0x112), ['c'])
})

test('a line that was cut short and lines of another kind_are passed over', () => {
  const code = JitCode.read(['script-source,1,file:///a.ts,code', ...lines, 'code-creation,JS,12,3,0x10'])
  assert.deepEqual(code.find(0x1000), ['outer file:///a.ts:1:1'])
})

test('a comma in a name_is read as one', () => {
  const code = JitCode.read(['code-creation,RegExp,2,1,0x20,8,a{1\\x2C2}'])
  assert.deepEqual(code.find(0x20), ['a{1,2}'])
})
