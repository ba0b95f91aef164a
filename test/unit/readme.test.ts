/** What README tells: every example is valid, every setting has one, every answer of Weir's is listed, every command exists. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { configJsonSchema } from '../../src/config/json-schema.ts'
import { readConfig, renderProblems } from '../../src/config/load.ts'
import * as families from '../../src/control/metrics/families.ts'
import { outcomes } from '../../src/plan/outcome.ts'
import { Certificates } from '../support/certificates.ts'

const root = new URL('../../', import.meta.url)
const text = (path: string) => readFileSync(new URL(path, root), 'utf8')
const readme = text('README.md')

interface Example {
  readonly where: string
  readonly snippet: string
}

type Settings = Record<string, unknown>

/** Code in the third column of the tables whose second one says where a setting stands. */
function examples(): Example[] {
  const rows = readme.matchAll(
    /^\| .+ \| ((?:file|upstream|endpoint|route|listener)(?:, \w+)*) \| (.+) \|$/gm,
  )
  return [...rows].flatMap(([, places, written]) =>
    (places as string).split(', ').flatMap((where) =>
      [...(written as string).matchAll(/`([^`]+)`/g)].map(([, snippet]) => ({
        where,
        snippet: snippet as string,
      })),
    ),
  )
}

/** A whole configuration with the example in its place. */
function configWith({ where, snippet }: Example): Settings {
  const own = JSON.parse(snippet.startsWith('{') ? snippet : `{${snippet}}`) as Settings
  const url = 'http://127.0.0.1:9001'
  const upstreams = { app: {}, api: [url], canary: [url], next: [url] } as Settings
  const config: Settings = { upstreams, routes: [{ upstream: 'app' }] }
  upstreams.app = { endpoints: [url, 'http://127.0.0.1:9002'] }
  switch (where) {
    case 'file':
      return { ...config, ...own }
    case 'upstream':
      upstreams.app = { endpoints: [url, 'http://127.0.0.1:9002'], ...own }
      return config
    case 'endpoint':
      upstreams.app = { endpoints: [url, own] }
      return config
    case 'route':
      config.routes = ['respond' in own ? own : { upstream: 'app', ...own }]
      return config
    case 'listener':
      config.listen = own
      return config
    default:
      throw new RangeError(`no example stands in "${where}"`)
  }
}

/** `parent.key` of all settings in a value. Routes and the file share some, so that the way from the top is left out. */
function keysOf(value: unknown, parent = ''): string[] {
  if (Array.isArray(value)) return value.flatMap((item) => keysOf(item, parent))
  if (typeof value !== 'object' || value === null) return []
  const free = ['upstreams', 'values', 'headers'].includes(parent)
  return Object.entries(value).flatMap(([key, inner]) => [
    ...(free ? [] : [`${parent}.${key}`]),
    ...keysOf(inner, free ? `${parent}.*` : key),
  ])
}

type Node = { readonly [key: string]: unknown }

/** The same of the schema. */
function keysOfSchema(node: Node, parent = ''): string[] {
  const inner = ['anyOf', 'oneOf', 'allOf'].flatMap((kind) => (node[kind] ?? []) as Node[])
  const items = node.items === undefined ? [] : [node.items as Node]
  const values = node.additionalProperties
  return [
    ...inner.flatMap((each) => keysOfSchema(each, parent)),
    // An upstream that is an array is one of endpoints.
    ...items.flatMap((each) => keysOfSchema(each, parent === 'upstreams.*' ? 'endpoints' : parent)),
    ...(typeof values === 'object' ? keysOfSchema(values as Node, `${parent}.*`) : []),
    ...Object.entries((node.properties ?? {}) as Record<string, Node>).flatMap(([key, child]) => [
      `${parent}.${key}`,
      ...keysOfSchema(child, key),
    ]),
  ]
}

test('README every_example is valid in its place', (t) => {
  const files = new Certificates(t)
  for (const stem of ['site', 'other', 'ca']) files.selfSigned(stem, 'example.com')
  files.encrypted(files.selfSigned('client', 'client'), 'client', 'secret')
  const all = examples()
  assert.ok(all.length > 60, `found only ${all.length}`)
  for (const example of all) {
    const result = readConfig(JSON.stringify(configWith(example)), files.directory)
    assert.ok(
      result.ok,
      result.ok ? '' : renderProblems(`${example.where}: ${example.snippet}`, result.problems),
    )
  }
})

test('README every_setting stands in an example', () => {
  const shown = new Set(examples().flatMap((example) => keysOf(configWith(example))))
  // The first is told in the text; the others are settings of what has an example elsewhere.
  for (const key of [
    '.$schema',
    'fallback.policy',
    'fallback.by',
    'fallback.loadFactor',
    'certificates.passphrase',
  ])
    shown.add(key)
  const wanted = new Set(keysOfSchema(configJsonSchema() as Node))
  assert.ok(wanted.size > 80, `found only ${wanted.size}`)
  assert.deepEqual(
    [...wanted].filter((key) => !shown.has(key)),
    [],
  )
})

test('README every_answer of Weir is listed with its status', () => {
  const listed = new Map<string, string>()
  for (const [, statuses, codes] of readme.matchAll(/^\| ([\d, ]+) \| (.*) \|$/gm)) {
    for (const [, code] of (codes as string).matchAll(/`([a-z]+(?:_[a-z]+)*)`/g))
      listed.set(code as string, statuses as string)
  }
  for (const { code, status } of Object.values(outcomes)) {
    // The client never sees it: see outcome.ts.
    if (status === 0 || code === 'retried_status') continue
    assert.ok(
      listed.get(code)?.split(', ').includes(String(status)),
      `${code} ${status}: ${listed.get(code)}`,
    )
  }
})

test('README what it says holds without a word_holds', () => {
  const block = /where the file says nothing[^`]*```json\n([^`]+)```/.exec(readme)?.[1]
  assert.ok(block !== undefined)
  const written = readConfig(block)
  const plain = readConfig('{ "upstreams": { "app": ["http://127.0.0.1:9001"] } }')
  assert.ok(written.ok && plain.ok)
  assert.deepEqual(written.plan, plain.plan)
})

test('README every_metric is listed, and no other', () => {
  const names = Object.values(families)
    .flat()
    .map(({ name }) => name)
  const listed = [...readme.matchAll(/`(weir_[a-z_]+)`/g)].map(([, name]) => name)
  assert.ok(names.length > 30, `found only ${names.length}`)
  assert.deepEqual(listed.sort(), names.sort())
})

for (const path of [
  'README.md',
  'ARCHITECTURE.md',
  'perf/README.md',
  'perf/TABLES.md',
  'perf/HISTORY.md',
  'native-notes/README.md',
]) {
  test(`${path} every_command and linked file exists`, () => {
    const page = text(path)
    const { scripts } = JSON.parse(text('package.json')) as { scripts: Record<string, string> }
    for (const [, script] of page.matchAll(/npm run (?:-s )?([a-z]+)/g)) {
      assert.ok((script as string) in scripts, `npm run ${script}`)
    }
    for (const [, file] of page.matchAll(/\bnode ((?:src|perf|test|scripts)\/[\w/-]+\.ts)/g)) {
      assert.ok(existsSync(new URL(file as string, root)), file)
    }
    for (const [, link] of page.matchAll(/\]\((?!https?:|#)([^)#]+)/g)) {
      assert.ok(existsSync(fileURLToPath(new URL(link as string, new URL(path, root)))), link)
    }
  })
}
