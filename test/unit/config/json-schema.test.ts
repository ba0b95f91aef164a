import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { configJsonSchema, configJsonSchemaText } from '../../../src/config/json-schema.ts'

const committed = new URL('../../../config.schema.json', import.meta.url)

type Node = Readonly<Record<string, unknown>>

/** Every schema inside this one, and where it stands. */
function* nodes(node: Node, place = '#'): Generator<[place: string, node: Node]> {
  yield [place, node]
  for (const [key, child] of Object.entries((node.properties ?? {}) as Record<string, Node>)) {
    yield* nodes(child, `${place}/properties/${key}`)
  }
  for (const key of ['items', 'additionalProperties', 'propertyNames']) {
    if (typeof node[key] === 'object') yield* nodes(node[key] as Node, `${place}/${key}`)
  }
  for (const [index, branch] of ((node.anyOf ?? []) as Node[]).entries()) {
    yield* nodes(branch, `${place}/anyOf/${index}`)
  }
}

test('config.schema.json is in step with the schema: else run npm run schema', () => {
  assert.equal(readFileSync(committed, 'utf8'), configJsonSchemaText())
})

test('json schema every_node has a description', () => {
  const all = [...nodes(configJsonSchema())]
  assert.ok(all.length > 50, `found only ${all.length} nodes`)
  const silent = all.filter(
    ([, node]) => typeof node.description !== 'string' || node.description.length < 20,
  )
  assert.deepEqual(
    silent.map(([place]) => place),
    [],
  )
})

test('json schema every_default and range is told in words', () => {
  const untold: string[] = []
  for (const [place, node] of nodes(configJsonSchema())) {
    const words = String(node.description)
    for (const bound of [node.default, node.minimum, node.maximum, node.maxItems, node.maxProperties]) {
      const told = typeof bound !== 'number' && typeof bound !== 'string' ? '' : String(bound)
      // Of no use in words: 0 as the least number of anything, and the default of a text that is empty.
      if (told !== '' && told !== '0' && !words.includes(told)) untold.push(`${place}: ${told}`)
    }
  }
  assert.deepEqual(untold, [])
})

test('json schema every_object refuses unknown keys or says what their values are', () => {
  for (const [place, node] of nodes(configJsonSchema())) {
    if (node.type === 'object') assert.ok(node.additionalProperties !== undefined, place)
  }
})

test('json schema is draft 7 and names itself', () => {
  const { $schema, $id, title } = configJsonSchema()
  assert.deepEqual(
    { $schema, $id, title },
    {
      $schema: 'http://json-schema.org/draft-07/schema#',
      $id: 'urn:weir:config.schema.json',
      title: 'Weir configuration',
    },
  )
})
