/** Shorthands of these tests: a value in, the plan or the problems out. */
import assert from 'node:assert/strict'
import { type LoadResult, readConfig } from '../../../src/config/load.ts'
import type { Problem } from '../../../src/config/problem.ts'
import type { Plan } from '../../../src/plan/plan.ts'

/** CONTRACT's smallest file, word for word. */
export const smallestFile =
  '{ "listen": 8080, "upstreams": { "app": ["http://127.0.0.1:9001", "http://127.0.0.1:9002"] } }'

/** CONTRACT's written-out file, word for word. */
export const writtenOutFile = `{
  "$schema": "./config.schema.json",
  "listen": [{ "host": "0.0.0.0", "port": 8080 }],
  "workers": 1,
  "drainTimeout": "20s",
  "upstreams": {
    "app": {
      "endpoints": [{ "url": "http://127.0.0.1:9001", "weight": 1 }, { "url": "http://127.0.0.1:9002", "weight": 1 }],
      "balance": "round-robin",
      "connections": 64,
      "pipelining": 1,
      "timeouts": { "connect": "5s", "headers": "30s", "body": "60s", "idle": "4s" },
      "queue": { "limit": 1024, "timeout": "5s" },
      "health": { "interval": "10s", "timeout": "2s", "unhealthyAfter": 3, "healthyAfter": 2 }
    }
  },
  "routes": [
    { "path": "/isolated", "respond": { "status": 200 } },
    { "upstream": "app" }
  ],
  "log": { "level": "info", "access": "errors" }
}
`

/** A valid configuration with these keys of the top level in place of its own. */
export function configWith(keys: Record<string, unknown>): Record<string, unknown> {
  return { upstreams: { app: ['http://127.0.0.1:9001'] }, ...keys }
}

/** A valid configuration whose only upstream has these settings. */
export function upstreamWith(settings: Record<string, unknown>): Record<string, unknown> {
  return configWith({ upstreams: { app: { endpoints: ['http://127.0.0.1:9001'], ...settings } } })
}

/** A valid configuration with these routes. */
export function routesWith(...routes: unknown[]): Record<string, unknown> {
  return configWith({ routes })
}

export function planOf(value: unknown): Plan {
  return accepted(readConfig(JSON.stringify(value)))
}

export function accepted(result: LoadResult): Plan {
  if (!result.ok) assert.fail(`refused: ${JSON.stringify(result.problems, null, 2)}`)
  return result.plan
}

export function problemsOf(value: unknown): readonly Problem[] {
  return refused(readConfig(JSON.stringify(value)))
}

export function refused(result: LoadResult): readonly Problem[] {
  if (result.ok) assert.fail(`accepted: ${JSON.stringify(result.config)}`)
  assert.ok(result.problems.length > 0)
  return result.problems
}

/** The one problem of the value, which must be at this path. */
export function onlyProblem(value: unknown, path: string): Problem {
  const problems = problemsOf(value)
  assert.deepEqual(
    problems.map((problem) => problem.path),
    [path],
    JSON.stringify(problems, null, 2),
  )
  return problems[0] as Problem
}
