import type { Balancer } from '../../../../src/proxy/balance/policy.ts'

/** What a balancer sees of an endpoint, with fields that a test sets. */
export class TestCandidate {
  readonly name: string
  weight: number
  inFlight = 0
  capacity: number

  constructor(name: string, weight = 1, capacity = Number.POSITIVE_INFINITY) {
    this.name = name
    this.weight = weight
    this.capacity = capacity
  }

  get id(): string {
    return this.name
  }

  get free(): boolean {
    return this.inFlight < this.capacity
  }
}

/** Named a, b, c … with these weights. */
export function candidates(...weights: number[]): TestCandidate[] {
  return weights.map((weight, index) => new TestCandidate(String.fromCharCode(0x61 + index), weight))
}

/** The names of `count` picks in a row, `-` for none. */
export function picks(balancer: Balancer<TestCandidate>, count: number, except: TestCandidate | null = null) {
  return Array.from({ length: count }, () => balancer.pick(except)?.name ?? '-')
}

/** How often each name occurs. */
export function tally(names: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1
  return counts
}
