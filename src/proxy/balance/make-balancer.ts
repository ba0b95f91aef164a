/** From a plan to a balancer. The one place that knows all policies. */
import type { BalancePlan } from '../../plan/balance-plan.ts'
import { Ewma } from './ewma.ts'
import { Hash } from './hash.ts'
import { LeastConnections } from './least-connections.ts'
import type { Balancer, Candidate, Clock, RandomSource } from './policy.ts'
import { Random } from './random.ts'
import { RoundRobin } from './round-robin.ts'
import { Sticky } from './sticky.ts'
import { TwoChoices } from './two-choices.ts'

/** @throws {Error} for a sticky plan that has been given no secret: a defect of the control plane */
export function makeBalancer<C extends Candidate>(
  plan: BalancePlan,
  random: RandomSource,
  clock: Clock = () => performance.now(),
): Balancer<C> {
  switch (plan) {
    case 'round-robin':
      return new RoundRobin<C>(random)
    case 'least-connections':
      return new LeastConnections<C>()
    case 'random':
      return new Random<C>(random)
    case 'two-choices':
      return new TwoChoices<C>(random)
    case 'ewma':
      return new Ewma<C>(random, clock)
  }
  if (plan.policy === 'hash') return new Hash<C>(plan, random)
  if (plan.secret === null) throw new Error('a sticky balancer has been given no secret')
  return new Sticky<C>(plan, plan.secret, makeBalancer<C>(plan.fallback, random, clock))
}
