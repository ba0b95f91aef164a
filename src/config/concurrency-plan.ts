import type { ConcurrencyPlan } from '../plan/upstream-plan.ts'
import { adaptiveDefaults, type ConcurrencyConfig } from './schema-concurrency.ts'

/** undefined: no limit. Bounds that contradict each other give way: `max` is the last word, then `min`. */
export function concurrencyPlan(config: ConcurrencyConfig): ConcurrencyPlan | undefined {
  if (config === 'off') return undefined
  if (typeof config === 'number') return config
  const { min, max, initial, tolerance } = config === 'adaptive' ? adaptiveDefaults() : config
  const least = Math.min(min, max)
  return { min: least, max, initial: Math.min(max, Math.max(least, initial)), tolerance }
}
