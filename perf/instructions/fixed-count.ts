/** A load of so many requests, neither more nor fewer: `h2load --h1 -n`, in a closed loop. */
import { failedRequests } from '../harness/load.ts'
import type { LoadFigures } from '../harness/load-figures.ts'
import type { Load } from '../harness/scenario.ts'

/** @param body path of the request's body; null for GET */
export function fixedCountArguments(
  load: Load,
  requests: number,
  body: string | null,
  url: string,
): readonly string[] {
  return [
    '--h1',
    ...['-t', '1', '-c', String(load.connections), '-n', String(requests)],
    ...Object.entries(load.headers).flatMap(([name, value]) => ['-H', `${name}: ${value}`]),
    ...(body === null ? [] : ['-d', body]),
    url,
  ]
}

/**
 * What h2load prints at its end.
 *
 * @throws {SyntaxError} if it does not say how many were answered.
 * @throws {Error} if that was not each of them, with 2xx.
 */
export function checkFixedCount(output: string, requests: number): void {
  const statuses = /^status codes: (\d+) 2xx/m.exec(output)
  if (statuses === null) throw new SyntaxError(`not the output of h2load:\n${output.trim()}`)
  if (Number(statuses[1]) !== requests)
    throw new Error(`of ${requests} requests ${statuses[1]} were answered well`)
}

/**
 * The same of what a generator has counted itself.
 *
 * @throws {Error} if not each was answered, with 2xx.
 */
export function checkAmount(figures: LoadFigures, requests: number): void {
  const well = figures.requests - failedRequests(figures)
  if (well !== requests) throw new Error(`of ${requests} requests ${well} were answered well`)
}
