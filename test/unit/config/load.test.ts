import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import { loadConfig, readConfig, renderProblems } from '../../../src/config/load.ts'
import type { Problem } from '../../../src/config/problem.ts'
import { seedOf } from '../../support/seed.ts'
import { accepted, configWith, refused, smallestFile, writtenOutFile } from './read.ts'

const directory = mkdtempSync(join(tmpdir(), 'weir-config-'))
after(() => rmSync(directory, { recursive: true }))

function fileWith(content: string | Buffer): string {
  const file = join(directory, 'config.json')
  // A new file each time: ext4 writes one that is truncated and refilled to disk at once, and thousands are written.
  rmSync(file, { force: true })
  writeFileSync(file, content)
  return file
}

function onlyFileProblem(file: string): Problem {
  const problems = refused(loadConfig(file))
  assert.equal(problems.length, 1, JSON.stringify(problems))
  assert.equal(problems[0]?.path, '')
  return problems[0] as Problem
}

test('loadConfig committed_config.json gives the plan of the written-out file', () => {
  const committed = fileURLToPath(new URL('../../../config.json', import.meta.url))
  assert.deepEqual(accepted(loadConfig(committed)), accepted(readConfig(writtenOutFile)))
})

test('loadConfig valid_file gives plan and configuration', () => {
  const result = loadConfig(fileWith(smallestFile))
  assert.ok(result.ok)
  assert.equal(result.plan.upstreams[0]?.name, 'app')
  assert.equal(result.config.drainTimeout, '20s')
})

test('loadConfig missing_file says which', () => {
  const problem = onlyFileProblem(join(directory, 'absent.json'))
  assert.match(problem.found, /^no file "/)
  assert.match(problem.hint ?? '', /--config FILE/)
})

test('loadConfig directory is told apart', () => {
  assert.match(onlyFileProblem(directory).found, /is a directory$/)
})

test('loadConfig path_through_a_file and names no system takes are told', () => {
  assert.match(onlyFileProblem(join(fileWith('{}'), 'config.json')).found, /ENOTDIR/)
  assert.notEqual(onlyFileProblem('a\u0000b').found, '')
  assert.notEqual(onlyFileProblem('').found, '')
})

test('loadConfig unreadable_file is told', () => {
  const file = fileWith(smallestFile)
  chmodSync(file, 0o000)
  // root may read every file, so for a moment the test is nobody.
  const root = process.geteuid?.() === 0
  if (root) process.seteuid?.(65_534)
  try {
    assert.match(onlyFileProblem(file).found, /^permission denied/)
  } finally {
    if (root) process.seteuid?.(0)
  }
})

const contents: [condition: string, content: string | Buffer, found: RegExp][] = [
  ['empty', '', /^an empty file$/],
  ['white_space', ' \n\t\n', /^an empty file$/],
  ['byte_order_mark', `\ufeff${smallestFile}`, /^a byte order mark/],
  ['utf_16', Buffer.from(`\ufeff${smallestFile}`, 'utf16le'), /^UTF-16$/],
  ['latin_1', Buffer.from('{"$schema": "\xe9"}', 'latin1'), /^bytes that are not UTF-8$/],
  ['too_large', ' '.repeat(1024 * 1024 + 1), /^a larger one$/],
  ['invalid_json', '{\n  "listen": 8080,\n}\n', /^"}" at line 3, column 1$/],
  ['array', '[]', /^\[\]$/],
  ['null', 'null', /^null$/],
  ['text', '"config"', /^"config"$/],
  ['number', '1', /^1$/],
]

for (const [condition, content, found] of contents) {
  test(`loadConfig file_with_${condition} is one clear problem`, () => {
    const problem = onlyFileProblem(fileWith(content))
    assert.match(problem.found, found)
    assert.notEqual(problem.expected, '')
  })
}

test('loadConfig largest_file is read whole', () => {
  accepted(loadConfig(fileWith(smallestFile.padEnd(1024 * 1024))))
})

test('loadConfig pipe is read like a file', () => {
  const load = new URL('../../../src/config/load.ts', import.meta.url)
  const script = `import { loadConfig } from ${JSON.stringify(load)}; console.log(loadConfig('/dev/stdin').ok)`
  // A shell, since the standard input that Node gives its children is a socket, which has no path.
  const command = [
    '-c',
    'cat "$0" | "$1" --input-type=module -e "$2"',
    fileWith(smallestFile),
    process.execPath,
    script,
  ]
  const child = spawnSync('sh', command, { timeout: 30_000 })
  assert.equal(String(child.stdout).trim(), 'true', String(child.stderr))
})

/** Ten faults of different kinds. Each is on a line of its own, and its path follows it. */
const tenFaults: [line: string, path: string | null, hint?: RegExp][] = [
  ['{', null],
  ['  "listen": [8080, {"host": "127.0.0.1"},', null],
  ['    8080],', 'listen[2]'],
  ['  "wrokers": 2,', 'wrokers', /"workers"/],
  ['  "drainTimeout": 20,', 'drainTimeout', /"20s"/],
  ['  "upstreams": {', null],
  ['    "app": {', null],
  ['      "endpoints": ["http://127.0.0.1:9001",', null],
  ['        "ftp://127.0.0.1:9002"],', 'upstreams.app.endpoints[1]', /the scheme is/],
  ['      "balance": "round_robbin",', 'upstreams.app.balance', /"round-robin"/],
  ['      "connections": 0,', 'upstreams.app.connections'],
  ['      "timeouts": {"headers": "30s",', null],
  ['        "connect": "5 seconds"}', 'upstreams.app.timeouts.connect'],
  ['    }', null],
  ['  },', null],
  ['  "routes": [', null],
  ['    {"path": "/a", "upstream": "ap"},', 'routes[0].upstream', /"app"/],
  ['    {"path": "/b*", "upstream": "app"},', 'routes[1].path', /at the end only/],
  ['    {"path": "/c", "upstream": "app", "respond": {"status": 200}}', 'routes[2]', /remove one/],
  ['  ]', null],
  ['}', null],
]

test('loadConfig ten_faults_in_one_file are all found, each with its path and line', () => {
  const file = fileWith(tenFaults.map(([line]) => line).join('\n'))
  const problems = refused(loadConfig(file))
  const planted = tenFaults.flatMap(([, path], index) => (path === null ? [] : [{ path, line: index + 1 }]))
  assert.equal(planted.length, 10)
  assert.deepEqual(
    problems.map(({ path, line }) => ({ path, line })),
    planted,
  )
  const hints = tenFaults.flatMap(([, path, hint]) => (path === null ? [] : [hint]))
  for (const [index, hint] of hints.entries()) if (hint) assert.match(problems[index]?.hint ?? 'none', hint)
  assert.match(renderProblems('config.json', problems), /\n\n10 errors in config\.json$/)
})

test('loadConfig problem_without_a_place_of_its_own points at what it is missing from', () => {
  const [problem] = refused(readConfig('{\n  "upstreams": {\n    "app": {}\n  }\n}'))
  assert.deepEqual([problem?.path, problem?.line, problem?.column], ['upstreams.app.endpoints', 3, 5])
  const [whole] = refused(readConfig('{}'))
  assert.deepEqual([whole?.path, whole?.line, whole?.column], ['upstreams', null, null])
})

test('loadConfig key_twice is refused, though each alone is valid', () => {
  const [problem] = refused(readConfig('{"workers": 1,\n"upstreams": {"a": ["http://a"]},\n"workers": 2}'))
  assert.deepEqual([problem?.path, problem?.line], ['workers', 3])
  assert.match(problem?.found ?? '', /the first is on line 1/)
})

test('loadConfig __proto__ is refused wherever it stands', () => {
  const places: [text: string, path: string][] = [
    ['{"__proto__": {"upstreams": {}}, "upstreams": {"a": ["http://a"]}}', '__proto__'],
    ['{"upstreams": {"__proto__": ["http://a"], "a": ["http://a"]}}', 'upstreams.__proto__'],
    ['{"upstreams": {"a": ["http://a"]}, "log": {"__proto__": {"level": "trace"}}}', 'log.__proto__'],
    [
      '{"routes": [{"respond": {"status": 200, "headers": {"__proto__": "x"}}}]}',
      'routes[0].respond.headers.__proto__',
    ],
  ]
  for (const [text, path] of places) {
    assert.deepEqual(
      refused(readConfig(text)).map((problem) => problem.path),
      [path],
    )
  }
  assert.equal(Object.hasOwn(Object.prototype, 'level'), false)
})

/** A value that is right where the outline wants it, or anything else. */
const anything = fc.oneof(
  { arbitrary: fc.jsonValue({ maxDepth: 2 }), weight: 3 },
  fc.constantFrom<unknown>(
    8080,
    'auto',
    '5s',
    'app',
    '/x',
    'http://a',
    'example.com',
    false,
    200,
    '__proto__',
    {},
    [],
    null,
  ),
)

/** An object with some of these keys, with others that come close, and with names that JavaScript knows. */
function nearly(keys: Record<string, fc.Arbitrary<unknown>>): fc.Arbitrary<unknown> {
  const odd = fc.constantFrom('constructor', '__proto__', 'toString', 'ports', 'upstreem', '', 'a.b')
  const known = fc.record(keys, { requiredKeys: [] })
  return fc.oneof({ arbitrary: known, weight: 4 }, fc.tuple(known, odd, anything).map(withKey), anything)
}

function withKey([object, key, value]: [object, string, unknown]): unknown {
  return Object.defineProperty({ ...object }, key, { value, enumerable: true })
}

const endpoint = fc.oneof(
  fc.constantFrom<unknown>('http://a', 'http://b:1'),
  nearly({ url: anything, weight: anything }),
)
const upstream = fc.oneof(
  fc.array(endpoint, { maxLength: 3 }),
  nearly({
    endpoints: fc.array(endpoint, { maxLength: 3 }),
    balance: anything,
    connections: anything,
    timeouts: nearly({ connect: anything, idle: anything }),
    queue: nearly({ limit: anything, timeout: anything }),
    health: nearly({ path: anything, interval: anything, unhealthyAfter: anything }),
  }),
)
const respond = nearly({
  status: anything,
  headers: nearly({ 'X-A': anything, Date: anything }),
  body: anything,
})
const route = nearly({ host: anything, path: anything, upstream: anything, respond })
const nearlyConfig = nearly({
  $schema: anything,
  listen: fc.oneof(anything, fc.array(nearly({ host: anything, port: anything }), { maxLength: 3 })),
  workers: anything,
  drainTimeout: anything,
  upstreams: nearly({ app: upstream, constructor: upstream }),
  routes: fc.oneof(anything, fc.array(route, { maxLength: 4 })),
  log: nearly({ level: anything, access: nearly({ sample: anything }) }),
})

test('loadConfig any_json_value gives a plan or problems that say something', (context) => {
  const seed = seedOf(context)
  let valid = 0
  fc.assert(
    fc.property(fc.oneof(nearlyConfig, fc.jsonValue(), fc.constant(configWith({}))), (value) => {
      const result = loadConfig(fileWith(JSON.stringify(value)))
      if (result.ok) {
        valid++
        assert.ok(result.plan.listeners.length > 0 && result.plan.routes.length > 0)
        return
      }
      assert.ok(result.problems.length > 0)
      for (const { path, expected, found, hint, line } of result.problems) {
        assert.ok(typeof path === 'string' && expected !== '' && found !== '' && hint !== '')
        assert.ok(line === null || line === 1)
        // zod's own words: a node of the schema without a message of its own.
        assert.doesNotMatch(expected, /^(Invalid|Too |Unrecognized)/)
      }
      const shown = renderProblems('config.json', result.problems).replaceAll('\n', '')
      assert.doesNotMatch(shown, /[\p{Cc}\p{Cf}]/u)
    }),
    { seed, numRuns: 2000 },
  )
  assert.ok(valid > 0, 'no run had a valid configuration')
})

test('loadConfig any_bytes give problems and no exception', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      refused(loadConfig(fileWith(Buffer.from(bytes))))
    }),
    { numRuns: 200 },
  )
})

test('renderProblems each_problem is a block, with a count at the end', () => {
  const problems: Problem[] = [
    { path: 'routes[2].path', expected: 'a path', found: '5', hint: 'write "/5"', line: 12, column: 7 },
    { path: 'upstreams', expected: 'at least one', found: 'nothing', hint: null, line: null, column: null },
    { path: '', expected: 'JSON', found: 'an empty file', hint: null, line: null, column: null },
  ]
  assert.equal(
    renderProblems('weir.json', problems),
    `weir.json:12:7  routes[2].path
  expected  a path
  found     5
  hint      write "/5"

weir.json  upstreams
  expected  at least one
  found     nothing

weir.json
  expected  JSON
  found     an empty file

3 errors in weir.json`,
  )
})

test('renderProblems one_problem is counted in the singular', () => {
  const problem: Problem = { path: 'x', expected: 'a', found: 'b', hint: null, line: 1, column: 1 }
  assert.match(renderProblems('c.json', [problem]), /\n\n1 error in c\.json$/)
})

test('renderProblems thousands_of_problems are counted, and fifty shown', () => {
  const problems = Array.from({ length: 3000 }, (_, index): Problem => {
    return { path: `p${index}`, expected: 'a', found: 'b', hint: null, line: 1, column: 1 }
  })
  const rendered = renderProblems('c.json', problems)
  assert.equal(rendered.match(/expected/g)?.length, 50)
  assert.match(rendered, /and 2950 more\n\n3000 errors in c\.json/)
})
