/**
 * autocannon with requests that differ, which its command line does not take. A process of its own:
 *
 *     node perf/harness/autocannon-varied.ts PLAN.json
 *
 * prints what `autocannon --json` does. Each connection has a part of the requests to itself: every one begins with the first of
 * its own, and all would send the same at the same time.
 */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { payload } from './payload.ts'
import type { Load } from './scenario.ts'
import { type VariedRequest, variedRequests } from './varied.ts'

interface Plan {
  /** `http://127.0.0.1:PORT` */
  readonly origin: string
  readonly load: Load
  /** One of the two. */
  readonly seconds?: number
  /** Requests, in all. */
  readonly amount?: number
}

/** The part of autocannon that is used here. It has no types. */
type Autocannon = (options: {
  readonly url: string
  readonly connections: number
  readonly duration?: number
  readonly amount?: number
  readonly timeout?: number
  readonly setupClient: (client: { setRequests: (requests: readonly unknown[]) => void }) => void
}) => Promise<unknown>

/** For one answer where requests are counted: what is looked at closely stands still now and then, and none may be lost. */
const patienceSeconds = 600

const thisFile = fileURLToPath(import.meta.url)

/** @param write stores a file and returns its path @param origin `http://127.0.0.1:PORT` */
export function autocannonVariedCommand(
  plan: Plan,
  write: (ending: string, content: string) => string,
): readonly string[] {
  return [
    process.execPath,
    '--disable-warning=ExperimentalWarning',
    thisFile,
    write('plan', JSON.stringify(plan)),
  ]
}

/** Every so many-th, beginning with its own: connection n of c sends n, n + c, n + 2c … */
export function shareOf<T>(requests: readonly T[], connection: number, connections: number): readonly T[] {
  const own = requests.filter((_, number) => number % connections === connection % connections)
  // With more connections than requests.
  return own.length === 0 ? [requests[connection % requests.length]!] : own
}

async function run({ origin, load, seconds, amount }: Plan): Promise<unknown> {
  const autocannon = createRequire(import.meta.url)('autocannon') as Autocannon
  const requests = variedRequests(load)
  const body = load.bodyBytes === 0 ? {} : { body: payload(load.bodyBytes) }
  const asTaken = ({ path, headers }: VariedRequest) => ({ method: load.method, path, headers, ...body })
  let connection = 0
  return autocannon({
    url: origin,
    connections: load.connections,
    ...(amount === undefined ? { duration: seconds ?? 1 } : { amount, timeout: patienceSeconds }),
    setupClient: (client) =>
      client.setRequests(shareOf(requests, connection++, load.connections).map(asTaken)),
  })
}

if (process.argv[1] === thisFile) {
  const plan = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as Plan
  console.log(JSON.stringify(await run(plan)))
}
