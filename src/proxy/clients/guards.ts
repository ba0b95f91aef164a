/**
 * The guards of a plan's routes. What is counted lives on while plans come and go: limits that a reload leaves as they are keep
 * their table. Those that are gone are dropped with it; requests that they count hold on to them until they end.
 */
import type { ClientStats } from '../../plan/messages.ts'
import type { ClientLimitsPlan, RoutePlan } from '../../plan/route-plan.ts'
import { Access } from './access.ts'
import { ClientLimiter } from './client-limiter.ts'
import { Guard } from './guard.ts'

export class Guards {
  #limiters = new Map<string, ClientLimiter>()

  /** For every route of a new plan, in order: its guard, or null. */
  update(routes: readonly RoutePlan[]): (Guard | null)[] {
    const before = this.#limiters
    const limiters = new Map<string, ClientLimiter>()
    const limiterOf = (plan: ClientLimitsPlan): ClientLimiter => {
      // With the scope, which is the same for routes that share.
      const key = JSON.stringify(plan)
      const limiter = limiters.get(key) ?? before.get(key) ?? new ClientLimiter(plan)
      limiters.set(key, limiter)
      return limiter
    }
    const guards = routes.map(({ access, clientLimits }) => {
      if (access === undefined && clientLimits === undefined) return null
      return new Guard(
        access === undefined ? null : new Access(access),
        clientLimits === undefined ? null : limiterOf(clientLimits),
      )
    })
    this.#limiters = limiters
    return guards
  }

  stats(): ClientStats[] {
    return [...this.#limiters.values()].map(({ stats }) => stats)
  }
}
