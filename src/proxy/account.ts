/** What an exchange keeps for the log and the figures. Belongs to it, and is reset with it. */
import type { Recorded } from './record.ts'
import { RequestHead } from './request-head.ts'

export abstract class Account implements Recorded {
  readonly head = new RequestHead()
  /** Milliseconds on the monotonic clock; NaN if no line can come of it. */
  startedAt = Number.NaN
  address = ''
  /** What the client got; 0 if nothing. */
  status = 0
  upstreamName = ''
  /** Of the last attempt. */
  endpointId = ''
  attempts = 0

  abstract get responseBytes(): number

  resetAccount(): void {
    this.head.reset()
    this.startedAt = Number.NaN
    this.address = ''
    this.status = 0
    this.upstreamName = ''
    this.endpointId = ''
    this.attempts = 0
  }
}
