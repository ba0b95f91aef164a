/** What undici's errors come to: rows of the outcome table. */
import { errors } from '../native/undici.ts'
import { type Outcome, outcomes } from '../plan/outcome.ts'

/**
 * Whether it is the engine's word for a mistake in a program: nothing that an endpoint or the network does makes one, so that it is a defect,
 * here or in undici. Those of Node's that have a code complain of what they were given, such as a certificate of the configuration's.
 */
export function isDefect(error: Error): boolean {
  return (
    (error instanceof TypeError || error instanceof RangeError || error instanceof ReferenceError) &&
    !('code' in error)
  )
}

/**
 * From undici's errors to the outcome table. Whether anything was sent is not read from the error: it was not, exactly
 * if onConnect has not been called.
 */
export function classify(error: Error, started: boolean, headSeen: boolean): Outcome {
  if (error instanceof errors.InvalidArgumentError || error instanceof errors.NotSupportedError)
    return outcomes.badRequest
  if (headSeen) return outcomes.responseTruncated
  if (!started) {
    return error instanceof errors.ConnectTimeoutError ? outcomes.connectTimeout : outcomes.connectFailed
  }
  if (error instanceof errors.RequestContentLengthMismatchError) return outcomes.badRequest
  if (
    error instanceof errors.HTTPParserError ||
    error instanceof errors.HeadersOverflowError ||
    error instanceof errors.ResponseContentLengthMismatchError ||
    (error instanceof errors.SocketError && error.message.startsWith('bad '))
  ) {
    return outcomes.badResponse
  }
  return outcomes.endpointReset
}
