/**
 * Who waits in one class of the admission queue, in the order they came, with the controlled delay of the class.
 *
 * Invariant: `delay` rests when the line is empty.
 */
import { type InLine, Line } from '../line.ts'
import { ControlledDelay } from './controlled-delay.ts'

export class WaitingLine<T extends InLine<T>> extends Line<T> {
  readonly delay = new ControlledDelay()

  override remove(ticket: T): void {
    super.remove(ticket)
    if (this.size === 0) this.delay.rest()
  }
}
