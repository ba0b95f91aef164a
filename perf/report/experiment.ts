/** What the report's experiments are made of. They are data: nothing but the catalogue knows one of them by name. */
import type { Scenario } from '../harness/scenario.ts'

export interface Experiment {
  /** What `--only` takes; the part before a dash takes all that begin with it. */
  readonly name: string
  readonly title: string
  /** What the report did, found or supposes, in our words. */
  readonly report: string
  /** What is done here, and what it leaves open. */
  readonly here: string
  /**
   * What is measured has a core for itself: right where its own cost is in question. False: everything shares the machine
   * as in the report, since backends that want more than the load generator leaves them are the limit.
   */
  readonly pinned: boolean
  /** They take turns with each other. */
  readonly variants: readonly Variant[]
  readonly claims: readonly Claim[]
}

export interface Variant {
  /** Unique in its experiment. */
  readonly name: string
  /** What it is, where the name does not say it. */
  readonly what: string
  /** `origin`: the backend itself; `weir`, or a peer's name. */
  readonly subject: string
  readonly scenario: Scenario
}

/** A sentence that figures of one experiment can bear out or not. `of`, `to` and `without` are names of variants. */
export type Claim = RatioClaim | SpareClaim | ErrorsClaim

export interface RatioClaim {
  readonly kind: 'ratio'
  readonly says: string
  readonly figure: 'rate' | 'cpu'
  readonly of: string
  /** What it is divided by, turn by turn. */
  readonly to: string
  /** What the figures would be if it were so. Null: there is no supposition, and the difference itself is asked for. */
  readonly expects: 'higher' | 'lower' | 'not-lower' | null
}

/** What a balancer itself can do is not the limit: it has time left on the core that it may use. */
export interface SpareClaim {
  readonly kind: 'spare'
  readonly says: string
  readonly of: string
}

/** Errors of one kind that `of` has are gone in `without`. */
export interface ErrorsClaim {
  readonly kind: 'errors'
  readonly says: string
  readonly error: 'connect' | 'read' | 'write' | 'timeout'
  readonly of: string
  readonly without: string
}
