/**
 * What must hold whatever origins and clients do:
 *
 *   - every request has one outcome: what its client saw, its line in the log and the figures agree, in number and in kind;
 *   - no answer is another request's;
 *   - no request comes to origins more often than it was tried, and a POST comes once at most;
 *   - at rest nothing is in flight and nothing waits; undici's own queues are empty, at any time;
 *   - no worker has died.
 */
import assert from 'node:assert/strict'
import type { LogLine } from '../support/log-lines.ts'
import { waitFor } from '../support/wait.ts'
import type { StatsLine, Weir } from '../support/weir.ts'
import { idOf, type MoodyOrigin } from './moody-origin.ts'
import type { Sent, Traffic } from './traffic.ts'

/** A request as the log tells of it. */
export interface Told extends LogLine {
  readonly method: string
  readonly target: string
  readonly status: number
  readonly outcome: string
  readonly endpoint: string
  readonly attempts: number
  readonly ms: number
}

/** Outcomes behind which the client sees its answer end early. */
const cuts = ['response_truncated', 'body_timeout']

/** Looks at undici's queues again and again, until its end. */
export class QueueWatch {
  looks = 0
  readonly #weir: Weir
  readonly #found: string[] = []
  readonly #done: Promise<void>
  #stopped = false

  constructor(weir: Weir) {
    this.#weir = weir
    this.#done = this.#watch()
  }

  async end(): Promise<void> {
    this.#stopped = true
    await this.#done
  }

  assertEmpty(): void {
    assert.deepEqual(this.#found, [], 'undici’s own queues are empty')
    assert.ok(this.looks > 0, 'somebody has looked')
  }

  async #watch(): Promise<void> {
    while (!this.#stopped) {
      const lines = await this.#weir.stats()
      this.looks++
      this.#found.push(...lines.flatMap(queuesOf))
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
}

function queuesOf({ endpoints }: StatsLine): string[] {
  return endpoints
    .filter(({ queued, dispatched, inFlight }) => queued > 0 || dispatched > inFlight)
    .map(
      ({ id, queued, dispatched, inFlight }) =>
        `${id}: ${inFlight} in flight, undici ${dispatched}/${queued}`,
    )
}

/** For traffic that has ended. @returns the lines of the log about it, by id */
export async function assertLaws(
  weir: Weir,
  traffic: Traffic,
  origins: readonly MoodyOrigin[],
): Promise<Map<string, Told>> {
  await weir.atRest()
  const [stats] = (await weir.stats()) as [StatsLine]
  for (const { name, inFlight, queued } of stats.upstreams) {
    assert.deepEqual([name, inFlight, queued], [name, 0, 0])
  }
  for (const { id, dispatched, queued } of stats.endpoints) {
    assert.deepEqual([id, dispatched, queued], [id, 0, 0])
  }
  assert.equal(weir.log.named('worker died: it will be replaced').length, 0)

  const counted = Object.values(stats.outcomes).reduce((sum, count) => sum + count, 0)
  const lines = () => weir.log.named('request') as Told[]
  await waitFor(() => lines().length >= counted, {
    what: () => `${counted} lines, as many as there are outcomes (so far ${lines().length})`,
  })
  const byOutcome: Record<string, number> = {}
  for (const { outcome } of lines()) byOutcome[outcome] = (byOutcome[outcome] ?? 0) + 1
  assert.deepEqual(byOutcome, stats.outcomes, 'the log and the figures agree')
  const tried = lines().reduce((sum, { attempts }) => sum + (attempts ?? 0), 0)
  const begun = stats.endpoints.reduce((sum, { attempts }) => sum + attempts, 0)
  assert.equal(tried, begun, 'attempts in the log and in the figures')

  const told = tellApart(lines())
  const wrong = traffic.requests.flatMap((sent) => {
    const fault = disagreement(sent, told.get(sent.id)) ?? sentTooOften(sent, told.get(sent.id), origins)
    return fault === null ? [] : [`${sent.method} ${sent.target}: ${fault} ${sent.detail}`]
  })
  assert.deepEqual(wrong.slice(0, 5), [], `${wrong.length} of ${traffic.requests.length} requests`)
  return told
}

/** @throws AssertionError where a request has two lines */
function tellApart(lines: readonly Told[]): Map<string, Told> {
  const told = new Map<string, Told>()
  for (const line of lines) {
    const id = idOf(line.target)
    assert.equal(told.get(id), undefined, `two lines about ${id}`)
    told.set(id, line)
  }
  return told
}

function disagreement({ view, status, origin, error, method }: Sent, line: Told | undefined): string | null {
  if (view === null) return 'never came to an end'
  // Whoever leaves at once may not have been seen at all.
  if (view === 'left') return null
  if (line === undefined) return `${view} ${status}, and no line in the log`
  const log = `the log has ${line.outcome} ${line.status}`
  switch (view) {
    case 'answer': {
      const outcome = origin === null ? error : 'completed'
      return line.outcome === outcome && line.status === status ? null : `${outcome} ${status}, ${log}`
    }
    case 'cut':
      return cuts.includes(line.outcome) && line.status === status ? null : `${view} ${status}, ${log}`
    case 'nothing':
      // README: who goes on sending a body behind a refusal may lose the answer.
      return method !== 'GET' && line.status >= 400 ? null : `no answer, ${log}`
    case 'wrong':
      return 'the answer to another request'
  }
}

function sentTooOften(
  { id, method, view, origin }: Sent,
  line: Told | undefined,
  origins: readonly MoodyOrigin[],
) {
  const came = origins.reduce((sum, each) => sum + (each.came.get(id) ?? 0), 0)
  const attempts = line?.attempts ?? 0
  if (came > attempts) return `${attempts} attempts, and it came ${came} times`
  if (method === 'POST' && came > 1) return `a POST that came ${came} times`
  if (view === 'answer' && origin !== null && came === 0) return 'answered, and it never came'
  return null
}
