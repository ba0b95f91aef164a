/** DESIGN's arrows ("Who may import whom") and the habits that can be read off the files of src/. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { builtinModules } from 'node:module'
import { dirname, join, normalize } from 'node:path/posix'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

/** Path below src/ -> text. */
type Sources = ReadonlyMap<string, string>

interface Import {
  readonly file: string
  /** As it stands in the file. */
  readonly specifier: string
}

/** Which folders a folder may import from, besides itself. The roots (files in src/ itself) see everything. */
const arrows: Readonly<Record<string, readonly string[]>> = {
  plan: [],
  config: ['plan'],
  control: ['config', 'plan'],
  native: [],
  proxy: ['plan', 'native'],
  demo: [],
}

/** Packages that are imported in a few places only, types included. A place that ends in `/` is a folder. */
const reserved: readonly (readonly [name: RegExp, places: readonly string[], why: string])[] = [
  [
    /^(@uwsjs\/.*|uws-.*|uWebSockets\.js)$/,
    ['native/'],
    'uWebSockets.js is imported in native/, its types come from native/uws.ts',
  ],
  [
    /^undici$/,
    ['native/undici.ts', 'control/health/probe.ts'],
    'undici is imported by native/undici.ts for the data plane, and by the health probe',
  ],
  [/^fastq$/, ['proxy/admission.ts'], 'fastq is imported by the admission queue'],
  [/^ws$/, ['proxy/websocket/'], 'WebSockets to endpoints are made in proxy/websocket/'],
  [/^koffi$/, ['native/'], 'libc is called in native/'],
  [/^zod$/, ['config/'], 'the schema stays in config/'],
  [/^prom-client$/, ['control/metrics/'], 'metrics are written in control/metrics/'],
]

/** Files of ours for which the same holds. */
const reservedFiles: readonly (readonly [file: string, places: readonly string[], why: string])[] = [
  [
    'native/undici.ts',
    [
      'proxy/pool.ts',
      'proxy/connector.ts',
      'proxy/endpoint-socket.ts',
      'proxy/idle-timer.ts',
      'proxy/undici-parser.ts',
      'proxy/undici-request.ts',
      'proxy/undici-errors.ts',
      'proxy/attempt.ts',
    ],
    'undici is for those who make connections, the pool and the attempt',
  ],
]

const linesMax = 400
const root = fileURLToPath(new URL('../../src/', import.meta.url))

function readSources(): Sources {
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((file) =>
    file.endsWith('.ts'),
  )
  return new Map(files.map((file) => [file.replaceAll('\\', '/'), readFileSync(join(root, file), 'utf8')]))
}

/** Static, dynamic, type and re-exporting imports, and `require` through `createRequire`. */
function importsOf(file: string, text: string): Import[] {
  const code = text.replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '')
  const patterns = [
    /^(?:import|export)\b[^;'"]*?\bfrom\s*['"]([^'"]+)['"]/gm,
    /^import\s*['"]([^'"]+)['"]/gm,
    /\bimport\(\s*['"]([^'"]+)['"]\s*\)/g,
    /\bcreateRequire\([^)]*\)\(\s*['"]([^'"]+)['"]\s*\)/g,
    /\brequire\(\s*['"]([^'"]+)['"]\s*\)/g,
  ]
  const specifiers = patterns.flatMap((pattern) =>
    [...code.matchAll(pattern)].map((match) => match[1] as string),
  )
  return [...new Set(specifiers)].map((specifier) => ({ file, specifier }))
}

function isRelative(specifier: string): boolean {
  return specifier.startsWith('.')
}

/** '' for a root. */
function folderOf(file: string): string {
  return file.includes('/') ? (file.split('/', 1)[0] as string) : ''
}

function targetOf({ file, specifier }: Import): string {
  return normalize(join(dirname(file), specifier))
}

function packageOf(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')
}

type Rule = (sources: Sources, imports: readonly Import[]) => string[]

const say = ({ file, specifier }: Import, rule: string): string =>
  `src/${file} imports '${specifier}': ${rule}`

const rules: Readonly<Record<string, Rule>> = {
  'folders_import only along the arrows': (_sources, imports) =>
    imports
      .filter(({ specifier }) => isRelative(specifier))
      .flatMap((each) => {
        const from = folderOf(each.file)
        const to = folderOf(targetOf(each))
        if (from === '' || from === to) return []
        const allowed = arrows[from]
        if (allowed === undefined) return [say(each, `the folder ${from}/ has no arrows yet: add it here`)]
        if (allowed.includes(to)) return []
        const may = allowed.length === 0 ? 'nothing of ours' : allowed.map((name) => `${name}/`).join(', ')
        return [say(each, `${from}/ may import ${may}${to === '' ? ', and nobody imports a root' : ''}`)]
      }),

  'relative imports_end in .ts, exist, and stay in src/': (sources, imports) =>
    imports
      .filter(({ specifier }) => isRelative(specifier))
      .flatMap((each) => {
        if (!each.specifier.endsWith('.ts')) return [say(each, 'an import ends in .ts')]
        if (targetOf(each).startsWith('..')) return [say(each, 'src/ imports nothing from beside it')]
        return sources.has(targetOf(each)) ? [] : [say(each, 'there is no such file')]
      }),

  'packages_imported only in their place': (_sources, imports) =>
    imports.flatMap((each) =>
      reserved
        .filter(([name]) => name.test(packageOf(each.specifier)))
        .filter(
          ([, places]) =>
            !places.some(
              (place) => each.file === place || (place.endsWith('/') && each.file.startsWith(place)),
            ),
        )
        .map(([, , why]) => say(each, why)),
    ),

  'files_imported only in their place': (_sources, imports) =>
    imports
      .filter(({ specifier }) => isRelative(specifier))
      .flatMap((each) =>
        reservedFiles
          .filter(([name, places]) => name === targetOf(each) && !places.includes(each.file))
          .map(([, , why]) => say(each, why)),
      ),

  'packages_are dependencies of the project': (_sources, imports) =>
    imports
      .filter(({ specifier }) => !isRelative(specifier))
      .flatMap((each) => {
        const { specifier } = each
        if (specifier.startsWith('node:')) return []
        if (builtinModules.includes(specifier)) return [say(each, `write 'node:${specifier}'`)]
        return dependencies.has(packageOf(specifier))
          ? []
          : [say(each, 'it is no dependency in package.json')]
      }),

  'files_have names of their own: no barrels, no utils': (sources) =>
    [...sources.keys()]
      .filter((file) => /(^|\/)(index|utils?|helpers?|common|misc)\.ts$/.test(file))
      .map((file) => `src/${file}: name it by what it holds`),

  [`files_have at most ${linesMax} lines`]: (sources) =>
    [...sources]
      .map(([file, text]) => ({ file, lines: text.split('\n').length - 1 }))
      .filter(({ lines }) => lines > linesMax)
      .map(({ file, lines }) => `src/${file} has ${lines} lines: make it two`),
}

const dependencies: ReadonlySet<string> = new Set(
  Object.keys(
    (({ dependencies, optionalDependencies }) => ({ ...dependencies, ...optionalDependencies }))(
      JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as Record<
        string,
        object
      >,
    ),
  ),
)

function check(rule: string, sources: Sources): string[] {
  const imports = [...sources].flatMap(([file, text]) => importsOf(file, text))
  return (rules[rule] as Rule)(sources, imports)
}

const sources = readSources()

for (const rule of Object.keys(rules)) {
  test(rule, () => {
    const violations = check(rule, sources)
    assert.equal(violations.length, 0, `\n${violations.join('\n')}`)
  })
}

test('sources_are all read, with their imports', () => {
  assert.ok(sources.size > 40, `${sources.size} files`)
  const found = importsOf('proxy/exchange.ts', sources.get('proxy/exchange.ts') as string)
  assert.ok(found.some(({ specifier }) => specifier === './body/response-body.ts'))
})

/** What each rule is there to catch: a file that breaks it, and what it says then. */
const offences: [rule: string, file: string, text: string, says: RegExp][] = [
  [
    'folders',
    'plan/plan.ts',
    "import { x } from '../config/load.ts'",
    /^src\/plan\/plan\.ts imports '\.\.\/config\/load\.ts': plan\/ may import nothing of ours$/,
  ],
  [
    'folders',
    'proxy/a.ts',
    "import type {\n  X,\n} from '../control/backoff.ts'",
    /proxy\/ may import plan\/, native\/$/,
  ],
  [
    'folders',
    'control/health/a.ts',
    "export { X } from '../../proxy/retry.ts'",
    /control\/ may import config\/, plan\/$/,
  ],
  ['folders', 'config/a.ts', "const x = await import('../log.ts')", /nobody imports a root/],
  ['folders', 'metrics/a.ts', "import { x } from '../plan/plan.ts'", /no arrows yet/],
  ['relative', 'plan/a.ts', "import { x } from './b'", /ends in \.ts/],
  ['relative', 'plan/a.ts', "import { x } from './no-such-file.ts'", /no such file/],
  ['relative', 'cli.ts', "import { x } from '../test/support/wait.ts'", /nothing from beside it/],
  [
    'packages_imported',
    'proxy/a.ts',
    "import type { HttpRequest } from 'uws-20.69'",
    /come from native\/uws\.ts/,
  ],
  ['packages_imported', 'proxy/pool.ts', "import { Pool } from 'undici'", /by native\/undici\.ts/],
  ['packages_imported', 'proxy/a.ts', "require('undici/lib/api/api-request.js')", /by native\/undici\.ts/],
  [
    'files_imported',
    'proxy/endpoint.ts',
    "import { Client } from '../native/undici.ts'",
    /the pool and the attempt/,
  ],
  ['packages_imported', 'proxy/upstream.ts', "import fastq from 'fastq'", /the admission queue/],
  ['packages_imported', 'worker.ts', "createRequire(import.meta.url)('koffi')", /libc/],
  ['packages_are', 'log.ts', "import 'fast-check'", /no dependency/],
  ['packages_are', 'log.ts', "import { readFileSync } from 'fs'", /node:fs/],
  ['files_have names', 'proxy/index.ts', '', /proxy\/index\.ts/],
  ['files_have names', 'utils.ts', '', /utils\.ts/],
  ['files_have at most', 'proxy/long.ts', '\n'.repeat(linesMax + 1), /has 401 lines/],
]

for (const [start, file, text, says] of offences) {
  test(`${file} ${JSON.stringify(text.slice(0, 60))}_caught`, () => {
    const rule = Object.keys(rules).find((name) => name.startsWith(start)) as string
    const found = check(rule, new Map([...sources, [file, text]])).filter((each) => each.includes(file))
    assert.equal(found.length, 1, found.join('\n'))
    assert.match(found[0] as string, says)
  })
}

test('imports in comments_are none', () => {
  assert.deepEqual(importsOf('a.ts', "/* import x from './b.ts' */\n// import './c.ts'\n"), [])
})
