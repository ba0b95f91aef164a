/**
 * The requests of connections that are known by their peer's address and port: see connection-limits.ts.
 *
 * Invariants
 *   - an opened connection begins anew, whoever had its address and port before.
 *   - memory is bounded: two generations of at most `generationSize` each. What is forgotten has been idle while that many
 *     others were not, and begins anew.
 */
import { peerAddress } from './client-address.ts'
import type { ConnectionLimits, Peer, RequestCounter } from './connection-limits.ts'

interface Known {
  requests: number
  readonly openedAt: number
}

/** No fewer than a worker's connections by default. */
const generationSize = 16_384

export class ConnectionPorts implements RequestCounter {
  readonly #limits: ConnectionLimits
  #current = new Map<string, Known>()
  #before = new Map<string, Known>()

  constructor(limits: ConnectionLimits) {
    this.#limits = limits
  }

  opened(peer: Peer): void {
    if (this.#limits.on) this.#keep(nameOf(peer), { requests: 0, openedAt: this.#limits.now })
  }

  /** Its port is not told any more: whoever has it next begins anew. */
  left(): void {}

  isLast(peer: Peer): boolean {
    const name = nameOf(peer)
    let known = this.#current.get(name)
    if (known === undefined) {
      known = this.#before.get(name) ?? { requests: 0, openedAt: this.#limits.now }
      this.#keep(name, known)
    }
    known.requests++
    return this.#limits.spent(known.requests, known.openedAt)
  }

  forgetAll(): void {
    this.#current.clear()
    this.#before.clear()
  }

  #keep(name: string, known: Known): void {
    if (this.#current.size >= generationSize) {
      this.#before = this.#current
      this.#current = new Map()
    }
    this.#current.set(name, known)
  }
}

function nameOf(peer: Peer): string {
  return `${peerAddress(peer)} ${peer.getRemotePort()}`
}
