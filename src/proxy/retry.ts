/**
 * Whether a failed attempt may be followed by another. Safety first (RFC 9110, section 9.2.2): a request that may have
 * reached an endpoint is sent again only if doing it twice does no harm, and only if Weir still has all of it.
 */
import { idempotentMethods, type Outcome } from '../plan/outcome.ts'

/** Attempts after the first. More would multiply an outage. */
export const retriesMax = 1
/** The same, where the last attempt sent nothing: that has cost the endpoint nothing either. */
export const unsentRetriesMax = 2

/**
 * @param attempts how many there have been
 * @param replayable no body, or one that is still whole in memory
 */
export function mayRetry(outcome: Outcome, method: string, attempts: number, replayable: boolean): boolean {
  if (!replayable) return false
  if (outcome.retry === 'unsent') return attempts <= unsentRetriesMax
  return outcome.retry === 'idempotent' && attempts <= retriesMax && idempotentMethods.has(method)
}
