import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { chart } from '../../../../perf/balance/chart.ts'
import { type Figures, markdown, parameters, policies } from '../../../../perf/balance/figures.ts'

const charts = new URL('../../../../perf/charts/', import.meta.url)
const { rows, parameters: ran } = JSON.parse(readFileSync(new URL('balance.json', charts), 'utf8')) as {
  rows: Figures[]
  parameters: unknown
}

test('figures in the repository_of these policies and parameters; else run node perf/balance.ts', () => {
  assert.deepEqual(ran, JSON.parse(JSON.stringify(parameters)))
  assert.deepEqual(
    rows.map(({ policy, sigma }) => [policy, sigma]),
    parameters.sigmas.flatMap((sigma) => policies.map((policy) => [policy, sigma])),
  )
  assert.ok(existsSync(new URL('balance.svg', charts)))
})

test('table in perf/README.md_is that of the figures', () => {
  const readme = readFileSync(new URL('../README.md', charts), 'utf8')
  assert.ok(readme.includes(markdown(rows)), 'replace it by what node perf/balance.ts prints')
})

test('chart_two bars for each row, as long as their logarithm', () => {
  const [row] = rows as [Figures]
  const drawn = chart([{ ...row, healthyP99: 10, slowP99: 1_000 }], 'title')
  assert.deepEqual(
    [...drawn.matchAll(/width="([\d.]+)" height="11"/g)].map(([, width]) => Number(width)),
    [100, 300],
  )
  assert.ok(drawn.includes('1 s<') && drawn.includes('title'))
})
