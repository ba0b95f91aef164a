import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { chart } from '../../../../perf/balance/chart.ts'
import { type Figures, markdown, parameters, setups } from '../../../../perf/balance/figures.ts'

const charts = new URL('../../../../perf/charts/', import.meta.url)
const { rows, parameters: ran } = JSON.parse(readFileSync(new URL('balance.json', charts), 'utf8')) as {
  rows: Figures[]
  parameters: unknown
}

test('figures in the repository_of these policies and parameters; else run node perf/balance.ts', () => {
  assert.deepEqual(ran, JSON.parse(JSON.stringify(parameters)))
  assert.deepEqual(
    rows.map(({ policy, beside, sigma }) => [policy, beside, sigma]),
    parameters.sigmas.flatMap((sigma) => setups.map(({ policy, beside }) => [policy, beside, sigma])),
  )
  assert.ok(existsSync(new URL('balance.svg', charts)))
})

test('table in perf/README.md_is that of the figures', () => {
  const readme = readFileSync(new URL('../README.md', charts), 'utf8')
  assert.ok(readme.includes(markdown(rows)), 'replace it by what node perf/balance.ts prints')
})

test('chart_two bars for each row, as long as its figures', () => {
  const [row] = rows as [Figures]
  const { data } = chart([{ ...row, healthyP99: 28.4, slowP99: 188_414 }]) as { data: { values: object[] } }
  const { policy } = row
  assert.deepEqual(data.values, [
    { policy, endpoints: 'all healthy', ms: 28.4, label: '28 ms' },
    { policy, endpoints: 'one ten times slower', ms: 188_414, label: '188.4 s' },
  ])
})
