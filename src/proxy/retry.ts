/**
 * Whether a failed attempt may be followed by another. Safety first (RFC 9110, section 9.2.2): a request that may have
 * reached an endpoint is sent again only if doing it twice does no harm, and only if Weir still has all of it.
 */
import { idempotentMethods, type Outcome } from '../plan/outcome.ts'
import type { RetriesPlan } from '../plan/upstream-plan.ts'

/**
 * Further attempts where none of those before has sent a byte: that has cost the endpoints nothing, and with one endpoint
 * killed and the others full a single one cannot keep a request from failing. Not charged to the budget.
 */
export const unsentRetries = 2

/** What has become of the request's body. */
export interface Replayable {
  /** There is none, or it is whole in memory. */
  readonly replayable: boolean
  /** No attempt has taken any of it yet: all that has come is still here, even if more is to come. */
  readonly untouched: boolean
  /** Of the body, in bytes. */
  readonly length: number
}

/** @param attempts how many there have been */
export function mayRetry(
  outcome: Outcome,
  method: string,
  attempts: number,
  body: Replayable,
  retries: RetriesPlan,
): boolean {
  if (retries.attempts === 0) return false
  if (outcome.retry === 'unsent') {
    return (body.replayable || body.untouched) && attempts <= Math.max(unsentRetries, retries.attempts)
  }
  return (
    body.replayable &&
    (outcome.retry === 'idempotent' || outcome.retry === 'elsewhere') &&
    attempts <= retries.attempts &&
    body.length <= retries.bodyBytes &&
    idempotentMethods.has(method)
  )
}

/** Whether a request may be sent again while it is under way, as far as its body goes. */
export function mayHedge(body: Replayable, retries: RetriesPlan): boolean {
  return body.replayable && body.length <= retries.bodyBytes
}

/** Whether the body is worth having whole before the request is sent, so that it can be sent again. */
export function mayGather(method: string, contentLength: number, retries: RetriesPlan): boolean {
  return (
    contentLength > 0 &&
    contentLength <= retries.bodyBytes &&
    retries.attempts > 0 &&
    idempotentMethods.has(method)
  )
}
