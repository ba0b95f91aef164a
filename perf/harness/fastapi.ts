/** The origin of the report: Debian's FastAPI on Debian's uvicorn, which only Debian's own Python finds. */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { OriginShape } from './scenario.ts'

const python = '/usr/bin/python3'
const app = fileURLToPath(new URL('../report/fastapi_app.py', import.meta.url))

/** What the app answers: it knows no other. */
export const fastApiBody = '{"message":"Hello World"}'

/** One that does as little as it can. */
export const fastApi: OriginShape = {
  bytes: fastApiBody.length,
  webSocket: false,
  fastApi: { delaysMs: [] },
}

/** CPU time of each answer that makes one as fast as the report's, which served 900 requests per second. */
export const workingMs = 1
export const workingFastApi: OriginShape = { ...fastApi, fastApi: { delaysMs: [], workMs: workingMs } }

/** Null if it can be started, else why not and what to do about it. */
export function fastApiMissing(): string | null {
  if (!existsSync(python))
    return `${python} is not there (Debian: apt-get install python3-fastapi python3-uvicorn)`
  const { status } = spawnSync(python, ['-c', 'import fastapi, uvicorn'], { timeout: 30_000 })
  return status === 0
    ? null
    : 'FastAPI or uvicorn is not installed (Debian: apt-get install python3-fastapi python3-uvicorn)'
}

/** What speaks HTTP and turns the loop matters more to the figures than the versions do. */
const versionsScript = `
import importlib.util, platform, fastapi, uvicorn
there = lambda name: importlib.util.find_spec(name) is not None
print(f"FastAPI {fastapi.__version__}, uvicorn {uvicorn.__version__} ({'httptools' if there('httptools') else 'h11'}, "
      f"{'uvloop' if there('uvloop') else 'asyncio'}), Python {platform.python_version()}")
`

export function fastApiVersions(): string {
  const { stdout, status } = spawnSync(python, ['-c', versionsScript], { encoding: 'utf8', timeout: 30_000 })
  return status === 0 ? stdout.trim() : 'unknown'
}

/** @param number of the endpoint among those of its scenario, from 1 */
export function fastApiCommand(shape: OriginShape, number: number): readonly string[] {
  const { workMs = 0 } = shape.fastApi ?? {}
  const delayMs = shape.fastApi?.delaysMs[number - 1] ?? 0
  return [
    python,
    app,
    ...(delayMs === 0 ? [] : ['--delay-ms', String(delayMs)]),
    ...(workMs === 0 ? [] : ['--work-ms', String(workMs)]),
    ...(shape.closes === true ? ['--close'] : []),
  ]
}
