import type { BalancePlan, HashKey, HashPlan, PlainPolicy } from '../plan/balance-plan.ts'
import { type BalanceConfig, hashDefaults, stickyDefaults } from './schema-balance.ts'

type Settings<Policy> = Extract<BalanceConfig, { policy: Policy }>

/** A policy in the long form, where there is one. @param upstream names the cookie, if the configuration does not */
export function balancePlan(upstream: string, config: BalanceConfig): BalancePlan {
  if (config === 'hash') return hashPlan(hashDefaults())
  const settings = config === 'sticky' ? stickyDefaults() : config
  if (typeof settings === 'string') return settings
  if (settings.policy === 'hash') return hashPlan(settings)
  const { cookie = `weir-${upstream}`, secret = null, fallback } = settings
  return { policy: 'sticky', cookie, secret, fallback: fallbackPlan(fallback) }
}

function fallbackPlan(fallback: Settings<'sticky'>['fallback']): PlainPolicy | HashPlan {
  return typeof fallback === 'string' ? fallback : hashPlan(fallback)
}

function hashPlan({ by, loadFactor }: Settings<'hash'>): HashPlan {
  return { policy: 'hash', by: hashKey(by), loadFactor }
}

/** Names of header fields are compared in lower case, as requests have them here. */
function hashKey(by: Settings<'hash'>['by']): HashKey {
  return typeof by === 'object' && 'header' in by ? { header: by.header.toLowerCase() } : by
}
