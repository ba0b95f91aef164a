/** What an exchange keeps for the log and the statistics. Belongs to it, and is reset with it. */
import { normalPriority } from './admission.ts'
import type { Balanced } from './balance/policy.ts'
import type { ClientLimiter } from './clients/client-limiter.ts'
import type { Guarded } from './clients/guard.ts'
import type { Recorded } from './record.ts'
import { type Fields, noFields } from './reply.ts'
import { RequestHead } from './request-head.ts'

export abstract class Account implements Recorded, Balanced, Guarded {
  readonly head = new RequestHead()
  /** See `Recorded`. */
  startedAt = Number.NaN
  address = ''
  /** What the client got; 0 if nothing. */
  status = 0
  upstreamName = ''
  /** Of the last attempt; of two under way, the one that wins. */
  endpointId = ''
  attempts = 0
  hedged = false
  reason = ''
  /** Its class in the admission queue. */
  priority = normalPriority
  /** Of an endpoint's `connections`. */
  readonly takesPlace: boolean = true
  /** For the client to find the same endpoint again (balance/sticky.ts). */
  setCookie: string | null = null
  limiter: ClientLimiter | null = null
  limiterSlot = -1
  answerFields: Fields = noFields

  abstract get responseBytes(): number

  /** Over: its client may have another. */
  leaveLimits(): void {
    this.limiter?.leave(this.limiterSlot)
    this.limiter = null
    this.limiterSlot = -1
  }

  resetAccount(): void {
    this.leaveLimits()
    this.answerFields = noFields
    this.head.reset()
    this.startedAt = Number.NaN
    this.address = ''
    this.status = 0
    this.upstreamName = ''
    this.endpointId = ''
    this.attempts = 0
    this.hedged = false
    this.reason = ''
    this.priority = normalPriority
    this.setCookie = null
  }
}
