/**
 * What `npm test` runs: every test file, or those whose path contains one of the arguments.
 *
 *     node test/run.ts                         all suites
 *     node test/run.ts unit/config transfer    what has these in its path
 *
 * Two files run at once: that is what a small machine has cores for, and integration tests start several processes
 * each. A test file that hangs fails after four minutes instead of holding up everybody; WEIR_TEST_TIMEOUT_MS gives the long
 * forms of some tests more.
 */
import { spawn } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { join, relative, sep } from 'node:path'
import { loadBinding } from '../src/native/uws.ts'

const suites = ['unit', 'integration', 'conformance', 'chaos']
const filesAtOnce = 2
const testTimeoutMs = Number(process.env.WEIR_TEST_TIMEOUT_MS ?? 240_000)

/** Test files below `root` whose path, with forward slashes, contains one of the filters; all without filters. */
export function findTests(root: string, filters: readonly string[]): string[] {
  return suites
    .map((suite) => join(root, suite))
    .filter((folder) => existsSync(folder))
    .flatMap((folder) => readdirSync(folder, { recursive: true }).map((file) => join(folder, String(file))))
    .filter((file) => file.endsWith('.test.ts'))
    .filter((file) => matches(relative(join(root, '..'), file).split(sep).join('/'), filters))
    .sort()
}

function matches(path: string, filters: readonly string[]): boolean {
  return filters.length === 0 || filters.some((filter) => path.includes(filter.replace(/^\.\//, '')))
}

/** Which native binding the suite runs on: the two behave differently, so a result means little without it. */
function binding(): string {
  try {
    const { version, refused } = loadBinding()
    return [
      `uWebSockets.js ${version}`,
      ...refused.map((other) => `not ${other.version}: ${other.reason}`),
    ].join(', ')
  } catch (error) {
    return (error as Error).message
  }
}

function main(filters: string[]): void {
  process.stdout.write(`Node ${process.version}, ${binding()}\n`)
  const files = findTests(import.meta.dirname, filters)
  if (files.length === 0) {
    const where = suites.map((suite) => `test/${suite}`).join(', ')
    process.stderr.write(
      `no test file in ${where} has ${filters.map((f) => `"${f}"`).join(' or ')} in its path\n`,
    )
    process.exit(1)
  }
  const flags = [
    '--test',
    `--test-concurrency=${filesAtOnce}`,
    `--test-timeout=${testTimeoutMs}`,
    '--test-reporter=spec',
    '--disable-warning=ExperimentalWarning', // type stripping
  ]
  const child = spawn(process.execPath, [...flags, ...files], { stdio: 'inherit' })
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal))
  child.on('exit', (code) => process.exit(code ?? 1))
}

if (process.argv[1] === import.meta.filename) main(process.argv.slice(2))
