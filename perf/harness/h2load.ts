/**
 * A closed loop that lasts less than a second, for short turns: wrk knows whole seconds alone. h2load costs the generator's core more
 * than wrk does, which nobody pays who is measured.
 */
import { readFileSync } from 'node:fs'
import { logLines } from './fixed-rate.ts'
import type { LoadFigures } from './load-figures.ts'
import { payload } from './payload.ts'
import { which } from './processes.ts'
import type { Load } from './scenario.ts'
import { percentile } from './statistics.ts'

/**
 * @param seconds above 0, three digits behind the point
 * @param log where a line for each request goes
 * @throws {Error} for what h2load cannot send
 */
export function h2loadShortArguments(
  load: Load,
  seconds: number,
  log: string,
  url: string,
  write: (ending: string, content: string) => string,
): readonly string[] {
  if (load.varied !== undefined)
    throw new Error(
      'h2load sends the same header fields with each request: a turn of varied traffic has 1 s or more',
    )
  return [
    '--h1',
    ...['-t', String(load.threads), '-c', String(load.connections), '-D', `${Math.round(seconds * 1000)}ms`],
    `--log-file=${log}`,
    ...Object.entries(load.headers).flatMap(([name, value]) => ['-H', `${name}: ${value}`]),
    ...(load.bodyBytes === 0 ? [] : ['-d', write('body', payload(load.bodyBytes))]),
    url,
  ]
}

/** @throws {Error} if it is not installed */
export function h2loadPath(): string {
  const found = which('h2load')
  if (found !== null) return found
  throw new Error(
    'a turn below 1 s needs h2load, which is not installed (Debian: apt-get install nghttp2-client)',
  )
}

/**
 * What h2load prints, with the latencies from its log. Requests that are on their way when the time is over are in neither.
 *
 * @throws {SyntaxError} with the output itself if a line that is always there is missing.
 */
export function parseH2loadShort(output: string, seconds: number, logFile: string): LoadFigures {
  const counts = find(
    output,
    /^requests: \d+ total, \d+ started, (\d+) done, \d+ succeeded, (\d+) failed, (\d+) errored, \d+ timeout$/m,
  )
  const [done, failed, errored] = counts.slice(1).map(Number) as [number, number, number]
  const bytes = Number(find(output, /^traffic: \S+ \((\d+)\) total,/m)[1])
  const durations = logLines(readFileSync(logFile, 'utf8'))
    .filter(({ status }) => status > 0)
    .map(({ durationUs }) => durationUs)
    .sort((a, b) => a - b)
  const answered = done - errored
  const averageUs = durations.reduce((sum, duration) => sum + duration, 0) / durations.length
  const squares = durations.reduce((sum, duration) => sum + (duration - averageUs) ** 2, 0)
  return {
    requests: answered,
    seconds,
    requestsPerSecond: answered / seconds,
    bytesRead: bytes,
    latency: {
      averageUs,
      deviationUs: Math.sqrt(squares / durations.length),
      maxUs: durations.at(-1) ?? Number.NaN,
      p50Us: percentile(durations, 50),
      p99Us: percentile(durations, 99),
      p999Us: percentile(durations, 99.9),
    },
    failed: { status: failed - errored, errored },
  }
}

function find(output: string, line: RegExp): RegExpExecArray {
  const match = line.exec(output)
  if (match === null)
    throw new SyntaxError(`h2load's output has no line like ${line.source}:\n${output.trim()}`)
  return match
}
