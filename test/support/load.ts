/**
 * A closed-loop load: N keep-alive connections, each sending its next request when the last answer is in. What goes
 * wrong is counted and never thrown, and the loop goes on with a new connection.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { type ClientRequest, type ClientResponse, RawClient } from './raw-client.ts'
import { WireError } from './wire.ts'

export interface LoadOptions {
  readonly port: number
  /** Connections, each with one request in flight. 16 by default. */
  readonly connections?: number
  /** Ends after so many requests; left out: runs until `stop`. */
  readonly requests?: number
  /** Request number `n`, from 0. GET / by default. */
  readonly request?: (n: number) => ClientRequest
  /** Sees each complete answer. A string it returns is counted as an error under that name. */
  readonly onResponse?: (response: ClientResponse, n: number) => string | undefined
}

export class Load {
  /** Requests begun. */
  sent = 0
  /** Complete answers by status. */
  readonly statuses: Record<number, number> = {}
  /** What went wrong by kind: the WireErrorKinds, system codes such as ECONNREFUSED, and what `onResponse` returned. */
  readonly errors: Record<string, number> = {}
  /** Resolves when every loop has ended, each behind its last answer. */
  readonly done: Promise<void>
  readonly #options: LoadOptions
  #stopped = false

  constructor(options: LoadOptions) {
    this.#options = options
    const loops = Array.from({ length: options.connections ?? 16 }, () => this.#loop())
    this.done = Promise.all(loops).then(() => undefined)
  }

  /** Complete answers of any status. */
  get answered(): number {
    return sum(this.statuses)
  }

  get failed(): number {
    return sum(this.errors)
  }

  /** Lets the answers that are under way come in, begins nothing more, and returns when all is quiet. */
  async stop(): Promise<this> {
    this.#stopped = true
    await this.done
    return this
  }

  async #loop(): Promise<void> {
    let client: RawClient | null = null
    while (!this.#stopped && this.sent < (this.#options.requests ?? Number.POSITIVE_INFINITY)) {
      const n = this.sent++
      try {
        client ??= await RawClient.connect(this.#options.port)
        const response = await client.exchange(this.#options.request?.(n) ?? {})
        if (this.#count(response, n)) continue
      } catch (error) {
        count(this.errors, kindOf(error))
        if (client === null) await sleep(10) // refused: do not spin
      }
      client?.close()
      client = null
    }
    client?.close()
  }

  /** Whether the connection can be used again. */
  #count(response: ClientResponse, n: number): boolean {
    if (response.ended !== 'complete') {
      count(this.errors, response.ended)
      return false
    }
    count(this.statuses, response.status)
    const wrong = this.#options.onResponse?.(response, n)
    if (wrong !== undefined) count(this.errors, wrong)
    return response.header('connection')?.toLowerCase() !== 'close'
  }
}

/** Runs a load of `requests` requests to its end. */
export async function runLoad(options: LoadOptions & { readonly requests: number }): Promise<Load> {
  const load = new Load(options)
  await load.done
  return load
}

function kindOf(error: unknown): string {
  if (error instanceof WireError) return error.kind
  return (error as NodeJS.ErrnoException).code ?? String(error)
}

function count(counts: Record<string, number>, key: string | number): void {
  counts[key] = (counts[key] ?? 0) + 1
}

function sum(counts: Record<string, number>): number {
  return Object.values(counts).reduce((a, b) => a + b, 0)
}
