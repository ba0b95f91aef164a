/** The admission queue alone: nanoseconds for each of its operations. */
import { setImmediate as turn } from 'node:timers/promises'
import { Admission, type Applicant, type Ticket } from '../../src/proxy/admission.ts'

/** What one operation takes. */
export interface Operation {
  readonly what: string
  readonly nanoseconds: number
}

class Client implements Applicant {
  ticket: Ticket | null = null
  shedTimes = 0
  queued(ticket: Ticket): void {
    this.ticket = ticket
  }
  admitted(): void {}
  shed(): void {
    this.shedTimes++
  }
}

const [high, low] = [0, 2]
const rounds = 5
/** Between two turns of the event loop, in which the queue sheds. */
const batch = 500
const waiting = 1_000

/** @param operations of each round, a multiple of 2,000 */
export async function measureQueue(operations: number): Promise<readonly Operation[]> {
  return [
    await freePlace(operations, 0, 'a place free: in and out, controlled delay off'),
    await freePlace(operations, 5, 'a place free: in and out, controlled delay on'),
    await refused(operations),
    await displaced(operations),
    await shed(operations),
  ]
}

/** Of one of many. The first round warms up; the best of the others counts. */
async function best(
  what: string,
  operations: number,
  round: (times: number) => Promise<void> | void,
): Promise<Operation> {
  await round(operations / 4)
  let nanoseconds = Number.POSITIVE_INFINITY
  for (let count = 0; count < rounds; count++) {
    const before = performance.now()
    await round(operations)
    nanoseconds = Math.min(nanoseconds, ((performance.now() - before) * 1e6) / operations)
  }
  return { what, nanoseconds }
}

function freePlace(operations: number, targetMs: number, what: string): Promise<Operation> {
  const admission = new Admission(10, 10)
  admission.controlDelay(targetMs, 100)
  const client = new Client()
  return best(what, operations, (times) => {
    for (let count = 0; count < times; count++) {
      admission.enter(client)
      admission.release(client.ticket as Ticket)
    }
  })
}

/** One place, which is taken, and as many that wait as may. */
function full(targetMs: number): { readonly admission: Admission; readonly client: Client } {
  let now = 0
  const admission = new Admission(1, waiting, () => (now += 0.01))
  admission.controlDelay(targetMs, 100)
  const client = new Client()
  for (let count = 0; count <= waiting; count++) admission.enter(client, low)
  return { admission, client }
}

function refused(operations: number): Promise<Operation> {
  const { admission, client } = full(0)
  return best('queue full: refused', operations, (times) => {
    for (let count = 0; count < times; count++) admission.enter(client, low)
  })
}

function displaced(operations: number): Promise<Operation> {
  const { admission, client } = full(0)
  const what = 'displaced by a higher class, with one more that comes and one that goes'
  return best(what, operations, async (times) => {
    for (let done = 0; done < times; done += batch) {
      const tickets: Ticket[] = []
      for (let count = 0; count < batch; count++) {
        admission.enter(client, high)
        tickets.push(client.ticket as Ticket)
      }
      await turn()
      for (const ticket of tickets) admission.abandon(ticket)
      for (let count = 0; count < batch; count++) admission.enter(client, low)
    }
  })
}

/** @throws {Error} if next to none was shed: then something else was measured */
async function shed(operations: number): Promise<Operation> {
  const { admission, client } = full(5)
  admission.limit = Number.POSITIVE_INFINITY
  const found = await best('controlled delay: one comes, an old one is shed', operations, async (times) => {
    for (let done = 0; done < times; done += batch) {
      for (let count = 0; count < batch; count++) admission.enter(client, low)
      await turn()
    }
  })
  const all = operations * (rounds + 1 / 4)
  if (client.shedTimes < all / 2) throw new Error(`only ${client.shedTimes} of ${all} were shed`)
  return found
}
