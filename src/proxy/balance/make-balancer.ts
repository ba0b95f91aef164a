/** From a policy's name to a balancer. The one place that knows them all. */
import type { BalancePolicy } from '../../plan/plan.ts'
import { LeastConnections } from './least-connections.ts'
import type { Balancer, Candidate, RandomSource } from './policy.ts'
import { Random } from './random.ts'
import { RoundRobin } from './round-robin.ts'

export function makeBalancer<C extends Candidate>(policy: BalancePolicy, random: RandomSource): Balancer<C> {
  switch (policy) {
    case 'round-robin':
      return new RoundRobin<C>(random)
    case 'least-connections':
      return new LeastConnections<C>()
    case 'random':
      return new Random<C>(random)
  }
}
