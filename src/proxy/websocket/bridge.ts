/**
 * The two sides of an open WebSocket, and what passes between them. Messages pass one by one; where their fragments began
 * and ended does not, since the binding hands over whole messages.
 *
 * Invariants
 *   - `client` is not null exactly while the binding's socket may be touched: from `opened` to the binding's close event,
 *     which comes from inside `end` and `close` too.
 *   - what waits for either side is bounded by one message of the greatest size and `backlogBytes`: the endpoint is paused
 *     while the client does not keep up; a client whose endpoint does not keep up cannot be paused (the binding has no
 *     call for it) and is closed with 1013.
 *   - `onEnd` runs once, when the client's side has closed. The endpoint's is then closed or closing.
 */
import type WebSocket from 'ws'
import { type Outcome, outcomes } from '../../plan/outcome.ts'
import {
  abnormal,
  bindingSays,
  closeLike,
  goingAway,
  noStatus,
  tooBig,
  tryAgainLater,
} from './close-codes.ts'

/** The binding's side. */
export interface ClientSocket {
  send(message: ArrayBuffer | Uint8Array, binary: boolean): number
  ping(message: Uint8Array): number
  end(code?: number, reason?: Uint8Array): void
  close(): void
  cork(callback: () => void): unknown
  getBufferedAmount(): number
}

/** Of `ws`, which is not loaded before it is needed (dial.ts). */
const open = 1

/** Beyond one message of the greatest size. */
export const backlogBytes = 1_048_576

export class Bridge {
  /** Of the endpoint's messages. */
  bytes = 0
  client: ClientSocket | null = null
  readonly #endpoint: WebSocket
  readonly #payloadMax: number
  readonly #onEnd: (outcome: Outcome) => void
  /** Pings of the endpoint's that the client has not answered. */
  #pings = 0
  /** Why Weir itself ends it; null if it is not Weir. */
  #verdict: Outcome | null = null

  constructor(endpoint: WebSocket, payloadMax: number, onEnd: (outcome: Outcome) => void) {
    this.#endpoint = endpoint
    this.#payloadMax = payloadMax
    this.#onEnd = onEnd
    endpoint.on('message', (data, binary) => this.#toClient(data as Buffer, binary))
    endpoint.on('ping', (data) => {
      if (this.client === null) return
      this.#pings++
      this.client.ping(data)
    })
    endpoint.on('error', (error) => this.#endpointFailed(error))
    endpoint.on('close', (code, reason) => this.#endpointClosed(code, reason))
  }

  opened(client: ClientSocket): void {
    this.client = client
  }

  // ---- client -> endpoint ----

  message(data: ArrayBuffer, binary: boolean): void {
    if (this.#takes()) this.#endpoint.send(copy(data), { binary })
  }

  /** The binding has answered it already: the endpoint's pong ends here. */
  ping(data: ArrayBuffer): void {
    if (this.#takes()) this.#endpoint.ping(copy(data))
  }

  pong(data: ArrayBuffer): void {
    // The binding sends pings of its own, empty ones.
    if (this.#pings === 0 && data.byteLength === 0) return
    if (this.#pings > 0) this.#pings--
    if (this.#takes()) this.#endpoint.pong(copy(data))
  }

  /** Pings and pongs count like messages: a client may send any number of them. @returns false: the endpoint has gone, or holds too much */
  #takes(): boolean {
    if (this.#endpoint.readyState !== open) return false
    if (this.#endpoint.bufferedAmount <= this.#payloadMax + backlogBytes) return true
    this.#end(tryAgainLater, outcomes.responseTruncated)
    return false
  }

  /** The client has gone, or has been sent away. */
  clientClosed(code: number, reason: ArrayBuffer): void {
    this.client = null
    const endpoint = this.#endpoint
    const said = copy(reason)
    let outcome = this.#verdict
    if (code !== abnormal) {
      outcome ??= outcomes.completed
      closeLike(endpoint, code, said)
    } else if (String(said) === bindingSays.tooBig) {
      outcome ??= outcomes.bodyTooLarge
      endpoint.close(tooBig)
    } else {
      outcome ??= String(said) === bindingSays.idle ? outcomes.clientStalled : outcomes.clientAborted
      endpoint.terminate()
    }
    // One that is paused would not hear the answer to its close frame.
    if (endpoint.isPaused) endpoint.resume()
    this.#onEnd(outcome)
  }

  // ---- endpoint -> client ----

  #toClient(data: Buffer, binary: boolean): void {
    const { client } = this
    if (client === null) return
    this.bytes += data.length
    // 0: it waits in the binding's buffer. 2: above the limit there, which closes the connection; it cannot come.
    if (client.send(data, binary) === 0) this.#endpoint.pause()
  }

  /** The client has room again. */
  drained(): void {
    if (this.client?.getBufferedAmount() === 0 && this.#endpoint.isPaused) this.#endpoint.resume()
  }

  /** `ws` closes the endpoint's side by itself, with the code that fits. */
  #endpointFailed(error: Error & { code?: string }): void {
    if (error.code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH') this.#end(tooBig, outcomes.responseTruncated)
    else this.#break(outcomes.responseTruncated)
  }

  #endpointClosed(code: number, reason: Buffer): void {
    if (code === abnormal) this.#break(outcomes.responseTruncated)
    else if (code === noStatus) this.client?.end()
    else this.client?.end(code, reason)
  }

  // ---- ends ----

  /** The worker drains. */
  goAway(): void {
    this.#end(goingAway, outcomes.completed)
  }

  #end(code: number, verdict: Outcome): void {
    this.#verdict ??= verdict
    this.client?.end(code)
  }

  #break(verdict: Outcome): void {
    this.#verdict ??= verdict
    this.client?.close()
  }
}

/** The binding takes its memory back when its callback returns. */
function copy(data: ArrayBuffer): Buffer {
  return Buffer.from(new Uint8Array(data))
}
