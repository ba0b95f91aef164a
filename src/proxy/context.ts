/** What the exchanges and WebSockets of a worker share, as they see it: the data plane is one, tests have another. */
import type { Binding } from '../native/uws.ts'
import type { LimitsPlan } from '../plan/plan.ts'
import type { AttemptContext } from './attempt.ts'
import type { Deadlines, Timed } from './deadlines.ts'
import type { Forwarding } from './headers/forwarding.ts'
import type { Recorder } from './record.ts'

export interface DataPlaneContext extends AttemptContext {
  readonly binding: Binding
  readonly deadlines: Deadlines<Timed>
  readonly recorder: Recorder
  readonly forwarding: Forwarding
  readonly limits: LimitsPlan
  /** Answer what comes, and close the connection behind it. */
  readonly draining: boolean
}
