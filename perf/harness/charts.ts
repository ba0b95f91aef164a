import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { cpuChart, latencyChart, latencyPoints } from './chart-specs.ts'
import type { Results } from './results.ts'

/** Vega has packages of its own, so that Weir's installation is not burdened with them. */
const folder = fileURLToPath(new URL('../charts/', import.meta.url))
const renderLimitMs = 60_000

/** Null if charts can be drawn, else why not and what to do about it. */
export function chartsMissing(): string | null {
  return existsSync(join(folder, 'node_modules/vega'))
    ? null
    : 'vega is not installed (npm ci --prefix perf/charts)'
}

/**
 * Draws `cpu.svg`, and `latency.svg` if it was measured.
 *
 * @param runs no two of which have rows of the same scenario
 * @param out the folder
 * @returns their paths
 */
export function drawCharts(runs: readonly Results[], out: string): readonly string[] {
  mkdirSync(out, { recursive: true })
  const charts: Record<string, object> = { cpu: cpuChart(runs) }
  if (latencyPoints(runs.flatMap(({ summaries }) => summaries)).length > 0)
    charts.latency = latencyChart(runs)
  return Object.entries(charts).map(([name, specification]) => {
    const path = join(out, `${name}.svg`)
    writeFileSync(path, `${render(specification)}\n`)
    return path
  })
}

/** @throws {Error} with the renderer's words if it refuses. */
export function render(specification: object): string {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(folder, 'render.js')], {
    input: JSON.stringify(specification),
    encoding: 'utf8',
    timeout: renderLimitMs,
    maxBuffer: 64 * 1024 * 1024,
  })
  if (status !== 0) throw new Error(`the chart could not be drawn: ${stderr}`)
  return stdout
}
