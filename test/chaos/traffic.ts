/**
 * Mixed traffic, and what each of its requests came to as its client saw it: GET, PUT and POST, with a body of known length, in
 * chunks, or none, on kept connections and new ones; some clients leave before they have their answer.
 *
 *     const traffic = new Traffic(port, dice, upstreams, 6)   … traffic.ended, traffic.requests …   await traffic.stop()
 */

import type { Dice } from '../support/dice.ts'
import { RawClient } from '../support/raw-client.ts'
import { WireError } from '../support/wire.ts'
import { answerText } from './moody-origin.ts'

/**
 * `answer`: whole. `cut`: it ended early, as the client can tell. `nothing`: the connection ended without one.
 * `wrong`: another request's answer, or to another body. `left`: the client went before it knew.
 */
export type View = 'answer' | 'cut' | 'nothing' | 'wrong' | 'left'

export interface Sent {
  readonly id: string
  readonly upstream: string
  readonly method: string
  readonly target: string
  readonly bodyBytes: number
  /** Null: it is under way. */
  view: View | null
  status: number
  /** Who answered; null: Weir itself, with `error`. */
  origin: string | null
  error: string
  detail: string
}

interface Shape {
  readonly method: 'GET' | 'PUT' | 'POST'
  readonly chunked: boolean
  readonly bodyBytes: number
}

const priorities = ['high', 'normal', 'low'] as const

let runs = 0

export class Traffic {
  readonly requests: Sent[] = []
  /** Requests that are over. */
  ended = 0
  readonly #port: number
  readonly #dice: Dice
  readonly #run = runs++
  readonly #loops: Promise<void>[]
  #stopped = false

  /** @param clients for each of the upstreams, one request at a time each */
  constructor(port: number, dice: Dice, upstreams: readonly string[], clients: number) {
    this.#port = port
    this.#dice = dice
    this.#loops = upstreams.flatMap((upstream) =>
      Array.from({ length: clients }, () => this.#client(upstream)),
    )
  }

  /** Answered 200 by this origin by way of that upstream, from request number `from` on. */
  served(from: number, upstream: string, origin: string | null = null): number {
    let count = 0
    for (let index = from; index < this.requests.length; index++) {
      const request = this.requests[index] as Sent
      if (request.view !== 'answer' || request.status !== 200 || request.upstream !== upstream) continue
      if (origin === null || request.origin === origin) count++
    }
    return count
  }

  /** Begins nothing more; returns when all that are under way are over. */
  async stop(): Promise<void> {
    this.#stopped = true
    await Promise.all(this.#loops)
  }

  async #client(upstream: string): Promise<void> {
    const jar = { cookie: '' }
    let client: RawClient | null = null
    while (!this.#stopped) {
      const sent = this.#next(upstream)
      client ??= await RawClient.connect(this.#port)
      const goesOn = await this.#send(client, sent.request, sent.shape, jar)
      this.ended++
      if (goesOn && this.#dice.below(8) > 0) continue
      client.close()
      client = null
    }
    client?.close()
  }

  #next(upstream: string): { request: Sent; shape: Shape } {
    const dice = this.#dice
    const method = (['GET', 'GET', 'GET', 'GET', 'PUT', 'POST', 'POST'] as const)[dice.below(7)]!
    const bodyBytes = method === 'GET' ? 0 : 1 + dice.below(dice.below(2) ? 20 : 20_000)
    const shape = { method, bodyBytes, chunked: method === 'POST' && dice.below(2) === 0 }
    const id = `${this.#run}-${this.requests.length}`
    const target = `/${upstream}/${id}?size=${dice.below(4) ? 20 + dice.below(500) : dice.below(60_000)}`
    const request: Sent = {
      ...{ id, upstream, method, target, bodyBytes },
      ...{ view: null, status: 0, origin: null, error: '', detail: '' },
    }
    this.requests.push(request)
    return { request, shape }
  }

  /** @returns whether another request may follow on this connection */
  async #send(client: RawClient, sent: Sent, shape: Shape, jar: { cookie: string }): Promise<boolean> {
    const dice = this.#dice
    const leaves = dice.below(8) === 0
    const headers: [string, string][] = [['x-priority', priorities[dice.below(3)]!]]
    if (jar.cookie !== '') headers.push(['cookie', jar.cookie])
    const whole = Buffer.alloc(shape.bodyBytes, 'b')
    const body = shape.bodyBytes === 0 ? undefined : shape.chunked ? halves(whole) : whole
    const request = { method: sent.method, target: sent.target, headers, ...(body && { body }) }
    try {
      if (leaves) {
        sent.view = 'left'
        await this.#leave(client, request)
        return false
      }
      const answer = await client.exchange(request)
      sent.status = answer.status
      sent.origin = answer.header('x-origin') ?? null
      jar.cookie = answer.header('set-cookie')?.split(';', 1)[0] ?? jar.cookie
      sent.view = answer.ended === 'complete' ? 'answer' : 'cut'
      if (sent.view === 'cut') return false
      if (sent.origin === null) sent.error = (JSON.parse(answer.text) as { error: string }).error
      else if (answer.status === 200 && answer.text !== answerText(sent.target, sent.bodyBytes)) {
        sent.view = 'wrong'
        sent.detail = answer.text.slice(0, 60)
      }
      return !shape.chunked && answer.header('connection')?.toLowerCase() !== 'close'
    } catch (error) {
      if (!(error instanceof WireError)) throw error
      sent.view ??= 'nothing'
      sent.detail = error.message
      return false
    }
  }

  /** Sends the request or, where it has a body, a part of it, and goes: at once, or some turns of the event loop later. */
  async #leave(client: RawClient, request: Parameters<RawClient['request']>[0] & object): Promise<void> {
    const dice = this.#dice
    const body = request.body as Buffer | undefined
    if (Buffer.isBuffer(body) && dice.below(2) === 0) {
      const head = [
        `${request.method} ${request.target} HTTP/1.1`,
        'host: test',
        `content-length: ${body.length}`,
      ]
      await client.send(`${head.join('\r\n')}\r\n\r\n`)
      await client.send(body.subarray(0, dice.below(body.length)))
    } else {
      await client.request(request)
    }
    for (let turns = dice.below(dice.below(2) ? 3 : 100); turns > 0; turns--) await new Promise(setImmediate)
    if (dice.below(2)) client.reset()
    else client.close()
  }
}

function halves(body: Buffer): Buffer[] {
  const middle = body.length >> 1
  return [body.subarray(0, middle), body.subarray(middle)]
}
