/** The balancing policies. One file each in `proxy/balance/`. */
export const balancePolicies = [
  'round-robin',
  'least-connections',
  'random',
  'two-choices',
  'ewma',
  'hash',
  'sticky',
] as const
export type BalancePolicy = (typeof balancePolicies)[number]
/** Those that have no settings. */
export type PlainPolicy = Exclude<BalancePolicy, 'hash' | 'sticky'>
/** A policy; where there is nothing to set, its name alone. */
export type BalancePlan = PlainPolicy | HashPlan | StickyPlan

export interface HashPlan {
  readonly policy: 'hash'
  readonly by: HashKey
  /** An endpoint may have this many times the mean of what is in flight, above 1. */
  readonly loadFactor: number
}

/** What of a request is hashed. The name of a header is in lower case. */
export type HashKey =
  | 'address'
  | 'path'
  | { readonly header: string }
  | { readonly cookie: string }
  | { readonly query: string }

export interface StickyPlan {
  readonly policy: 'sticky'
  /** The name of the cookie. */
  readonly cookie: string
  /** Signs the cookie. null: none is configured, and the control process puts its own here before workers see it. */
  readonly secret: string | null
  /** Whom a request goes to that no cookie sends anywhere. */
  readonly fallback: PlainPolicy | HashPlan
}
