import type { Scenario } from './scenario.ts'

/** A row of the table: a scenario as one subject runs it. */
export interface Row {
  /** `small` for Weir and for an origin alone, `small@nginx` for a peer, `small@before` for another Weir. */
  readonly name: string
  /** The row by whose figures of the same turn this one's are divided. A baseline names itself. */
  readonly baseline: string
  /** Rows of the same one run together, turn by turn; absent: those with the same baseline do. */
  readonly group?: string
  /** `origin`, `weir`, `before` or a peer's name. */
  readonly subject: string
  readonly scenario: Scenario
}
