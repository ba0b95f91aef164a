import type { LoadFigures } from './load-figures.ts'
import { payload } from './payload.ts'
import type { Load } from './scenario.ts'
import { asSent, requestsFile } from './sent.ts'

/**
 * Arguments for a run of whole seconds; wrk knows no fractions. A script is needed for a body, and for the percentiles
 * that wrk does not print by itself; without a function per request or answer in it, it costs nothing while wrk runs. For
 * requests that differ there is one, which picks the next of those that the script read before.
 *
 * @param write stores a file and returns its path
 */
export function wrkArguments(
  load: Load,
  seconds: number,
  url: string,
  write: (ending: string, content: string) => string,
): readonly string[] {
  const varied = load.varied !== undefined
  const headers = varied
    ? []
    : Object.entries(load.headers).flatMap(([name, value]) => ['-H', `${name}: ${value}`])
  const script = write('lua', varied ? variedScript(load, url, write) : constantScript(load, write))
  return [
    `-t${load.threads}`,
    `-c${load.connections}`,
    `-d${seconds}s`,
    '--latency',
    '-s',
    script,
    ...headers,
    url,
  ]
}

function constantScript(load: Load, write: (ending: string, content: string) => string): string {
  const body = load.bodyBytes === 0 ? null : write('body', payload(load.bodyBytes))
  return `
wrk.method = ${JSON.stringify(load.method)}
${body === null ? '' : `wrk.body = io.open(${JSON.stringify(body)}, "rb"):read("*a")`}
${percentiles}`
}

/** Each request as it is sent, behind a line with its length: wrk's own `format` would put the fields into the order of a hash. */
function variedScript(load: Load, url: string, write: (ending: string, content: string) => string): string {
  const file = write('requests', requestsFile(asSent(load, new URL(url).host)))
  return `
local requests, last = {}, 0
local file = io.open(${JSON.stringify(file)}, "rb")
for line in file:lines() do
  requests[#requests + 1] = file:read(tonumber(line))
end
file:close()
local count = #requests
request = function()
  last = last % count + 1
  return requests[last]
end
${percentiles}`
}

const percentiles = `done = function(summary, latency, requests)
  for _, percent in ipairs({50, 99, 99.9}) do
    io.write(string.format("percentile %g: %d us\\n", percent, latency:percentile(percent)))
  end
end
`

/**
 * What `wrk --latency` and its script print, as figures.
 *
 * wrk calls 3xx a success and leaves a line out when it has nothing to count. Its units are those of its source
 * (`units.c`): times in us, ms, s, m, h; counts in k, M, G of 1,000; bytes in KB, MB, GB of 1,024.
 *
 * @throws {SyntaxError} with the output itself if a line that is always there is missing.
 */
export function parseWrk(output: string): LoadFigures {
  const total = find(output, /^\s*(\d+) requests in (\S+), (\S+) read$/m)
  const rate = find(output, /^Requests\/sec:\s+(\S+)$/m)
  const latency = find(output, /^\s*Latency\s+(\S+)\s+(\S+)\s+(\S+)\s+\S+%$/m)
  const sockets = /^\s*Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)$/m.exec(output)
  const status = /^\s*Non-2xx or 3xx responses: (\d+)$/m.exec(output)
  return {
    requests: Number(total[1]),
    seconds: parseTime(total[2]!) / 1e6,
    requestsPerSecond: Number(rate[1]),
    bytesRead: parseBytes(total[3]!),
    latency: {
      averageUs: parseTime(latency[1]!),
      deviationUs: parseTime(latency[2]!),
      maxUs: parseTime(latency[3]!),
      p50Us: percentile(output, '50'),
      p99Us: percentile(output, '99'),
      p999Us: percentile(output, '99.9'),
    },
    failed: {
      status: Number(status?.[1] ?? 0),
      connect: Number(sockets?.[1] ?? 0),
      read: Number(sockets?.[2] ?? 0),
      write: Number(sockets?.[3] ?? 0),
      timeout: Number(sockets?.[4] ?? 0),
    },
  }
}

/** Microseconds of `469.53us`, `1.19ms`, `2.01s`, `1.50m`, `1.00h`. */
export function parseTime(text: string): number {
  return scaled(text, { us: 1, ms: 1e3, s: 1e6, m: 60e6, h: 3600e6 })
}

/** Bytes of `0.00B`, `49.05MB`. */
export function parseBytes(text: string): number {
  return Math.round(scaled(text, { B: 1, KB: 2 ** 10, MB: 2 ** 20, GB: 2 ** 30, TB: 2 ** 40 }))
}

function scaled(text: string, units: Readonly<Record<string, number>>): number {
  const match = /^(\d+(?:\.\d+)?)([A-Za-z]+)$/.exec(text)
  const factor = match === null ? undefined : units[match[2]!]
  if (factor === undefined) {
    throw new SyntaxError(
      `wrk printed "${text}" where a number with one of ${Object.keys(units).join(', ')} was expected`,
    )
  }
  return Number(match![1]) * factor
}

/** As the script prints it: in whole microseconds, which wrk's own lines round to three digits. */
function percentile(output: string, percent: string): number {
  return Number(find(output, new RegExp(`^percentile ${percent.replace('.', '\\.')}: (\\d+) us$`, 'm'))[1])
}

function find(output: string, line: RegExp): RegExpExecArray {
  const match = line.exec(output)
  if (match === null) throw new SyntaxError(`wrk's output has no line like ${line.source}:\n${output.trim()}`)
  return match
}
