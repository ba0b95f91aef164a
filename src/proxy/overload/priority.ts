/** Which class a request waits in: what its route says, or a header of its own. */
import type { PriorityPlan } from '../../plan/route-plan.ts'
import { priorityWords } from '../../plan/route-plan.ts'
import { headerOf } from '../balance/request-key.ts'

/** @returns a class of the admission queue, 0 the first. @param headers names in lower case and values, alternately */
export type PriorityOf = (headers: readonly string[]) => number

/** @returns null: the class is the one in the middle, and nothing need be looked at */
export function priorityOf(plan: PriorityPlan | undefined): PriorityOf | null {
  if (plan === undefined || plan === 'normal') return null
  if (typeof plan === 'string') {
    const fixed = priorityWords.indexOf(plan)
    return () => fixed
  }
  const otherwise = priorityWords.indexOf(plan.default)
  const classes = new Map(plan.values.map(([value, word]) => [value, priorityWords.indexOf(word)]))
  const { header } = plan
  return (headers) => {
    const value = headerOf(headers, header)
    return value === null ? otherwise : (classes.get(value) ?? otherwise)
  }
}
