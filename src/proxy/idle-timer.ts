/**
 * undici's own timer for idle connections, replaced by a lazy one. undici makes and clears a timer for every request; this
 * one is set once for a time of idleness and asks, when it fires, whether there has been work meanwhile. How long a
 * connection may idle is still undici's to say (the configuration's time, or what the server's Keep-Alive leaves).
 */
import { errors } from '../native/undici.ts'
import { coarseNow } from './coarse-clock.ts'
import { keepAliveKind, parserOf } from './undici-parser.ts'

/** What is closed when it has idled too long. */
interface Idler {
  destroy(error: Error): unknown
}

export class IdleTimer {
  readonly #socket: Idler
  readonly #clock: () => number
  /** When it falls due, on the clock; Infinity while there is work. */
  #dueAt = Number.POSITIVE_INFINITY
  #timer: NodeJS.Timeout | null = null
  /** What the timer was set to. */
  #period = 0

  constructor(socket: Idler, clock: () => number = coarseNow) {
    this.#socket = socket
    this.#clock = clock
  }

  /** Takes the parser's timers over. To be called when undici has made the socket its own. */
  takeOver(): void {
    const parser = parserOf(this.#socket)
    if (parser === null) return
    parser.setTimeout = (ms, kind) => {
      parser.timeoutType = kind
      if (kind === keepAliveKind) this.start(ms)
      else this.busy()
    }
  }

  /** There is work. */
  busy(): void {
    this.#dueAt = Number.POSITIVE_INFINITY
  }

  /** The connection idles from now on. @param ms how long it may */
  start(ms: number): void {
    this.#dueAt = this.#clock() + ms
    // A timer that is set already asks again when it fires, unless that is too late.
    if (this.#timer === null || ms < this.#period) this.#wait(ms)
  }

  /** The socket is gone. */
  stop(): void {
    this.busy()
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
  }

  #wait(ms: number): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#period = ms
    this.#timer = setTimeout(() => this.#fire(), ms).unref()
  }

  #fire(): void {
    this.#timer = null
    if (this.#dueAt === Number.POSITIVE_INFINITY) return
    const left = this.#dueAt - this.#clock()
    if (left > 0) this.#wait(Math.ceil(left))
    else this.#socket.destroy(new errors.InformationalError('socket idle timeout'))
  }
}
