/**
 * The requests of connections that have no name (connection-limits.ts), counted by the app that a connection came to: the
 * listener's app accepts and hands each connection on to another app of its own, a slot, which the binding does for programs
 * with several threads. What comes to a slot is then from the one connection in it.
 *
 *     accept ──► listener's app ──► the slots that are offered, in turn ──► request, from the connection in this slot
 *                      └─ none is offered: it stays with this app, which counts like a slot
 *
 * An app takes some 32 KiB and is never given back, so there are no more than `slotCount`. Where there are more connections,
 * several share a slot, and what counts is the sum of their requests and the age of the oldest: each closes earlier than it had
 * to, and none later. A slot that is spent is not offered again before the last of its connections has gone.
 *
 * Invariants
 *   - a slot is offered exactly while it is not spent and has fewer than `#level` connections; 1 while one slot for each will do.
 *   - a slot that is empty counts from 0.
 *   - the apps are made when a limit is first asked for. Connections that were open then share the listener's own app.
 */
import type { ConnectionLimits, RequestCounter } from './connection-limits.ts'

/** Of one listener's app in one worker. The kernel's queue of connections that wait to be accepted is as long. */
export const slotCount = 512

/** Not in the binding's types: what it has for the distribution of connections among threads. */
export interface SlotApp {
  getDescriptor(): number
  addChildAppDescriptor(descriptor: number): unknown
  removeChildAppDescriptor(descriptor: number): unknown
}

class Slot implements RequestCounter {
  connections = 0
  requests = 0
  openedAt = Number.NaN
  spent = false
  offered = false
  /** Of its app. */
  descriptor = 0
  readonly #limits: ConnectionLimits
  readonly #onChange: (slot: Slot, opened: number) => void

  /** @param onChange it has spent itself, or its connections have become more (1) or fewer (-1) */
  constructor(limits: ConnectionLimits, onChange: (slot: Slot, opened: number) => void) {
    this.#limits = limits
    this.#onChange = onChange
  }

  opened(): void {
    if (this.connections++ === 0) this.openedAt = this.#limits.now
    this.#onChange(this, 1)
  }

  left(): void {
    if (--this.connections === 0) {
      this.requests = 0
      this.openedAt = Number.NaN
      this.spent = false
    }
    this.#onChange(this, -1)
  }

  isLast(): boolean {
    this.requests++
    if (!this.#limits.spent(this.requests, this.openedAt)) return false
    this.spent = true
    this.#onChange(this, 0)
    return true
  }
}

export class ConnectionSlots {
  /** Of connections that are in no slot. */
  readonly rest: RequestCounter
  readonly #parent: SlotApp
  readonly #limits: ConnectionLimits
  readonly #makeApp: (counter: RequestCounter) => SlotApp
  readonly #slots: Slot[] = []
  #on = false
  #level = 1
  /** Connections in slots. */
  #connections = 0
  #offered = 0

  /**
   * @param parent the listener's app
   * @param makeApp an app that does what the listener's does, with this to count its requests
   */
  constructor(parent: SlotApp, limits: ConnectionLimits, makeApp: (counter: RequestCounter) => SlotApp) {
    this.#parent = parent
    this.#limits = limits
    this.#makeApp = makeApp
    this.rest = new Slot(limits, () => {})
  }

  /** To be called when the limits have changed. */
  configure(): void {
    if (this.#on === this.#limits.on) return
    this.#on = this.#limits.on
    if (this.#on && this.#slots.length === 0) this.#make()
    this.#settleAll()
  }

  #make(): void {
    for (let count = 0; count < slotCount; count++) {
      const slot = new Slot(this.#limits, (changed, opened) => this.#changed(changed, opened))
      slot.descriptor = this.#makeApp(slot).getDescriptor()
      this.#slots.push(slot)
    }
  }

  #changed(slot: Slot, opened: number): void {
    this.#connections += opened
    this.#settle(slot)
    if (this.#offered === 0) this.#raise()
    else if (this.#level > 1 && this.#connections <= ((this.#level - 1) * slotCount) / 2) {
      this.#level--
      this.#settleAll()
    }
  }

  /** Every slot that may be offered is taken: let one more into each of those that have the fewest. */
  #raise(): void {
    let fewest = Number.POSITIVE_INFINITY
    for (const { spent, connections } of this.#slots) if (!spent) fewest = Math.min(fewest, connections)
    if (!this.#on || fewest === Number.POSITIVE_INFINITY) return
    this.#level = fewest + 1
    this.#settleAll()
  }

  #settleAll(): void {
    for (const slot of this.#slots) this.#settle(slot)
  }

  #settle(slot: Slot): void {
    const offer = this.#on && !slot.spent && slot.connections < this.#level
    if (offer === slot.offered) return
    slot.offered = offer
    this.#offered += offer ? 1 : -1
    if (offer) this.#parent.addChildAppDescriptor(slot.descriptor)
    else this.#parent.removeChildAppDescriptor(slot.descriptor)
  }
}
