/** Whoever has begun an attempt: the tries of a request, its hedge, a mirrored copy. */
import type { Outcome } from '../plan/outcome.ts'
import type { Attempt } from './attempt.ts'
import type { ResponseFields } from './headers/response-block.ts'

/** What an attempt reports to. Each ends the attempt's part: `onEnd` and `onFailed` come last, one of them, once. */
export interface AttemptListener {
  /** The client's, as text; '' if it has none. */
  readonly address: string
  /** The connection stands and the request is about to be written: from here on it may have reached the endpoint. */
  onStarted(attempt: Attempt): void
  /**
   * Interim responses, and no head in the same read.
   * @param interim as `withInterim` writes them
   * @returns whether they are on their way; otherwise they come with the head
   */
  onInterim(interim: string): boolean
  /** @param interim the interim responses that came before and are not on their way */
  onHead(status: number, fields: ResponseFields, interim: string, attempt: Attempt): void
  /** @returns false: pause the endpoint until `resume` */
  onChunk(chunk: Buffer): boolean
  onEnd(): void
  onFailed(outcome: Outcome, error: Error, attempt: Attempt): void
}
