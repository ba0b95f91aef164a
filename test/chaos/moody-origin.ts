/** An origin in a process of its own, whose mood a test changes, and which tells what requests have come to it. */
import { join } from 'node:path'
import { OriginProcess } from '../support/origin-process.ts'

/**
 * `breaks`: resets the connection in the middle of its answer. `fails`: 500 at once. `slow`: tenfold. `cold`: twenty times as slow
 * at first, less with each of its first `warmAfter` answers.
 */
export type Mood = 'well' | 'hangs' | 'breaks' | 'fails' | 'slow' | 'cold'

export const warmAfter = 60
/** An answer takes so long, and so long where it is slow, in milliseconds. */
export const serviceMs = 3
export const slowMs = 10 * serviceMs

export class MoodyOrigin extends OriginProcess {
  /** How often each request has come, by id, over all the lives of the process. */
  readonly came = new Map<string, number>()
  #mood: Mood = 'well'

  constructor(name: string) {
    super(name, join(import.meta.dirname, 'moody-origin-child.ts'))
  }

  /** From the next request on; kept over a new start. */
  behave(mood: Mood): void {
    this.#mood = mood
    this.child?.send(mood)
  }

  protected override get programArguments(): readonly string[] {
    return [this.#mood]
  }

  protected override received(message: unknown): void {
    const { came } = message as { came: string }
    this.came.set(came, (this.came.get(came) ?? 0) + 1)
  }
}

/** Targets are `/<upstream>/<id>?size=<bytes of the answer>`. */
export function idOf(target: string): string {
  return target.split('?', 1)[0]!.split('/')[2] ?? ''
}

/** What only this request is answered, and only if its body has come whole. */
export function answerText(target: string, bodyBytes: number): string {
  const text = `${idOf(target)} ${bodyBytes}\n`
  return text.padEnd(Number(target.split('size=')[1] ?? 0), 'x')
}
