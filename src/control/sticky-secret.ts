import { randomBytes } from 'node:crypto'
import type { Plan } from '../plan/plan.ts'

/** What signs sticky cookies where the configuration has nothing for it: 256 random bits. */
export function makeStickySecret(): string {
  return randomBytes(32).toString('base64url')
}

/** A plan in which every sticky upstream has a secret: its own, or this one. */
export function withStickySecret(plan: Plan, secret: string): Plan {
  const upstreams = plan.upstreams.map((upstream) => {
    const { balance } = upstream
    if (typeof balance === 'string' || balance.policy !== 'sticky' || balance.secret !== null) return upstream
    return { ...upstream, balance: { ...balance, secret } }
  })
  return { ...plan, upstreams }
}
