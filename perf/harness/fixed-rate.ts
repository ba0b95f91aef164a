/**
 * Latency at a rate that does not depend on the answers: `h2load --h1 --rps`, whose log has a line per request.
 *
 * h2load has a schedule per connection, but sends one request at a time on it (more would be pipelining) and counts
 * from when it sends: while an answer is late, those that were due behind it are not sent, and their waiting is in no
 * line. (Version 1.52, a server that stands still for 0.5 s, 16 connections of 100 requests per second each: of 800
 * requests that were due in that time, 16 have more than 100 ms.) So each late answer stands for those behind it too,
 * as HdrHistogram's `recordValueWithExpectedInterval` does it.
 */
import { percentile } from './statistics.ts'

export interface FixedRate {
  /** Requests per second that were asked for. */
  readonly targetPerSecond: number
  readonly requests: number
  /** Answers outside 2xx, and requests without one. */
  readonly failed: number
  readonly p50Us: number
  readonly p99Us: number
  readonly p999Us: number
}

export interface RatePlan {
  readonly perConnection: number
  readonly requests: number
  readonly connections: number
}

/** What comes nearest to a rate for some seconds on so many connections. */
export function planRate(perSecond: number, seconds: number, connections: number): RatePlan {
  // Below one request for each there is no rate to speak of.
  const each = Math.max(1, Math.round((perSecond * seconds) / connections))
  return { perConnection: each / seconds, requests: each * connections, connections }
}

/**
 * `-n` and not `-D`: a run that ends by time counts requests as started that it never sends.
 *
 * @param body path of the request's body; null for GET
 */
export function h2loadArguments(
  plan: RatePlan,
  log: string,
  headers: Readonly<Record<string, string>>,
  body: string | null,
  url: string,
): readonly string[] {
  return [
    '--h1',
    ...['-t', '1', '-c', String(plan.connections), '-n', String(plan.requests)],
    `--rps=${plan.perConnection}`,
    `--log-file=${log}`,
    ...Object.entries(headers).flatMap(([name, value]) => ['-H', `${name}: ${value}`]),
    ...(body === null ? [] : ['-d', body]),
    url,
  ]
}

/** A request in h2load's log. */
export interface LoggedRequest {
  /** -1: there was no answer. */
  readonly status: number
  readonly durationUs: number
}

/**
 * h2load's log: when a request began in microseconds, its status (-1: none), how long it took in microseconds.
 *
 * @throws {SyntaxError} on a line of another form.
 */
export function logLines(log: string): readonly LoggedRequest[] {
  const lines = log.trimEnd().split('\n').filter(Boolean)
  return lines.map((line) => {
    const match = /^\d+\t(-?\d+)\t(\d+)$/.exec(line)
    if (match === null) throw new SyntaxError(`not a line of h2load's log: ${JSON.stringify(line)}`)
    return { status: Number(match[1]), durationUs: Number(match[2]) }
  })
}

/**
 * @throws {SyntaxError} on a line that is not of h2load's log.
 * @throws {Error} if there is no latency to speak of.
 */
export function parseH2loadLog(log: string, plan: RatePlan): FixedRate {
  const intervalUs = 1e6 / plan.perConnection
  const durations = logLines(log)
    .filter(({ status }) => status >= 200 && status < 300)
    .map(({ durationUs }) => durationUs)
  if (durations.length === 0) throw new Error(`none of ${plan.requests} requests was answered well`)
  const sorted = withWaiting(durations, intervalUs).sort((a, b) => a - b)
  return {
    targetPerSecond: plan.perConnection * plan.connections,
    requests: durations.length,
    failed: plan.requests - durations.length,
    p50Us: percentile(sorted, 50),
    p99Us: percentile(sorted, 99),
    p999Us: percentile(sorted, 99.9),
  }
}

/** Each duration, and for one that is longer than the interval those of the requests that were due behind it. */
export function withWaiting(durationsUs: readonly number[], intervalUs: number): number[] {
  const all: number[] = []
  for (const duration of durationsUs) {
    for (let waited = duration; waited > 0; waited -= intervalUs) all.push(waited)
  }
  return all
}
