import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { type TestContext, test } from 'node:test'
import { findTests } from '../../run.ts'

function tree(t: TestContext, ...files: string[]): string {
  const base = mkdtempSync(join(tmpdir(), 'weir-run-'))
  t.after(() => rmSync(base, { recursive: true }))
  for (const file of files) {
    mkdirSync(dirname(join(base, file)), { recursive: true })
    writeFileSync(join(base, file), '')
  }
  return join(base, 'test')
}

function found(root: string, ...filters: string[]): string[] {
  return findTests(root, filters).map((file) => relative(root, file))
}

test('findTests without filters takes every suite that exists, sorted, and nothing else', (t) => {
  const root = tree(
    t,
    'test/unit/b/x.test.ts',
    'test/unit/a.test.ts',
    'test/unit/helper.ts',
    'test/integration/y.test.ts',
    'test/chaos/z.test.ts',
    'test/support/no.test.ts',
  )
  assert.deepEqual(found(root), [
    'chaos/z.test.ts',
    'integration/y.test.ts',
    'unit/a.test.ts',
    'unit/b/x.test.ts',
  ])
})

test('findTests with filters takes what has any of them in its path below the project', (t) => {
  const root = tree(t, 'test/unit/a.test.ts', 'test/unit/b.test.ts', 'test/integration/c.test.ts')
  assert.deepEqual(found(root, 'test/unit/a.test.ts', 'integration'), [
    'integration/c.test.ts',
    'unit/a.test.ts',
  ])
  assert.deepEqual(found(root, './test/unit/b'), ['unit/b.test.ts'])
  assert.deepEqual(found(root, 'weir-run'), [])
})

test('run without a matching file fails and says so', () => {
  const script = join(import.meta.dirname, '../../run.ts')
  const { status, stdout, stderr } = spawnSync(process.execPath, [script, 'no-such-test'], {
    encoding: 'utf8',
  })
  assert.equal(status, 1)
  assert.match(stdout, /^Node v\d+\.\d+\.\d+, .*uWebSockets\.js/)
  assert.match(stderr, /no test file in test\/unit, .* has "no-such-test" in its path/)
})
