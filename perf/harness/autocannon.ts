import type { LoadFigures } from './load-figures.ts'
import { payload } from './payload.ts'
import type { Load } from './scenario.ts'

/**
 * Arguments for a run of whole seconds that ends in one JSON object on standard output.
 *
 * @param write stores a file and returns its path
 */
export function autocannonArguments(
  load: Load,
  seconds: number,
  url: string,
  write: (ending: string, content: string) => string,
): readonly string[] {
  // Without -w the load comes from the main thread, which is one.
  const workers = load.threads > 1 ? ['-w', String(load.threads)] : []
  const method = load.method === 'GET' ? [] : ['-m', load.method]
  const headers = Object.entries(load.headers).flatMap(([name, value]) => ['-H', `${name}=${value}`])
  const body = load.bodyBytes === 0 ? [] : ['-i', write('body', payload(load.bodyBytes))]
  const connections = ['-c', String(load.connections), '-d', String(seconds)]
  return ['--json', ...connections, ...workers, ...method, ...headers, ...body, url]
}

/** The part of autocannon's result that is read here; times in milliseconds. */
interface AutocannonResult {
  readonly duration: number
  readonly connections: number
  readonly errors: number
  readonly timeouts: number
  readonly non2xx: number
  readonly requests: { readonly total: number; readonly sent: number }
  readonly latency: Readonly<Record<'average' | 'stddev' | 'max' | 'p50' | 'p99' | 'p99_9', number>>
  readonly throughput: { readonly total: number }
}

/**
 * What `autocannon --json` prints, as figures. Its latencies are whole milliseconds.
 *
 * A connection that the server closes without an answer is opened again and counted nowhere (9.0.0). Such requests
 * show as sent and never answered; of those, one per connection may have been under way at the end. `errors`
 * contains the time-outs.
 *
 * @throws {SyntaxError} with the output itself if it is not such an object.
 */
export function parseAutocannon(output: string): LoadFigures {
  const result = read(output)
  const unanswered = Math.max(0, result.requests.sent - result.requests.total - result.connections)
  return {
    requests: result.requests.total,
    seconds: result.duration,
    requestsPerSecond: result.duration > 0 ? result.requests.total / result.duration : 0,
    bytesRead: result.throughput.total,
    latency: {
      averageUs: result.latency.average * 1000,
      deviationUs: result.latency.stddev * 1000,
      maxUs: result.latency.max * 1000,
      p50Us: result.latency.p50 * 1000,
      p99Us: result.latency.p99 * 1000,
      p999Us: result.latency.p99_9 * 1000,
    },
    failed: {
      status: result.non2xx,
      timeout: result.timeouts,
      error: Math.max(0, Math.max(result.errors, unanswered) - result.timeouts),
    },
  }
}

function read(output: string): AutocannonResult {
  let parsed: unknown
  try {
    parsed = JSON.parse(output)
  } catch {
    throw new SyntaxError(`autocannon's output is not JSON: ${output.trim().slice(0, 2000)}`)
  }
  const paths = [
    ['duration'],
    ['connections'],
    ['errors'],
    ['timeouts'],
    ['non2xx'],
    ['requests', 'total'],
    ['requests', 'sent'],
    ...['average', 'stddev', 'max', 'p50', 'p99', 'p99_9'].map((key) => ['latency', key]),
    ['throughput', 'total'],
  ]
  for (const path of paths) {
    const value = path.reduce<unknown>(
      (object, key) => (object as Record<string, unknown> | null | undefined)?.[key],
      parsed,
    )
    if (typeof value !== 'number') {
      throw new SyntaxError(
        `autocannon's result has no number at ${path.join('.')}, but ${JSON.stringify(value)}`,
      )
    }
  }
  return parsed as AutocannonResult
}
