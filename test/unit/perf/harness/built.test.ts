import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { builtWeir } from '../../../../perf/harness/built.ts'

const root = mkdtempSync(join(tmpdir(), 'weir-test-'))
after(() => rmSync(root, { recursive: true }))
mkdirSync(join(root, 'src/proxy'), { recursive: true })
mkdirSync(join(root, 'dist'))

function write(path: string, second: number): void {
  writeFileSync(join(root, path), '')
  utimesSync(join(root, path), second, second)
}

test('a checkout that was not built_is refused', () => {
  assert.throws(() => builtWeir(root), /dist\/cli\.js is not there: npm run build/)
})

test('a build that is older than a source_is refused, and a newer one is taken', () => {
  write('dist/cli.js', 2_000)
  write('src/cli.ts', 1_000)
  write('src/proxy/listener.ts', 1_999)
  assert.equal(builtWeir(root), join(root, 'dist/cli.js'))
  write('src/proxy/listener.ts', 2_001)
  assert.throws(() => builtWeir(root), /src\/proxy\/listener\.ts is newer than .*: npm run build/)
})
