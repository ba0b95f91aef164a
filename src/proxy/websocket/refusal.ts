/** An endpoint's answer to a handshake that is no agreement: passed on as what it is, whole or not at all. */
import type { ClientRequest, IncomingMessage } from 'node:http'
import type { HttpResponse } from '../../native/uws.ts'
import { type Outcome, outcomes } from '../../plan/outcome.ts'
import { toWritable } from '../headers/bytes.ts'
import { ResponseBlock } from '../headers/response-block.ts'
import { endWithLarge, endWithoutBody, oneCorkBytes } from '../reply.ts'
import { isBodiless, statusLine } from '../status-line.ts'

/** Such an answer is a page of error: it is gathered in memory before the client gets it. */
const bodyBytesMax = 65_536

export class Refusal {
  /** 200 to 599 if it has come whole. */
  readonly status: number
  readonly #block = new ResponseBlock()
  readonly #pieces: Buffer[] = []
  #bytes = 0

  constructor(status: number) {
    this.status = status
  }

  /**
   * Reads the answer and calls back once.
   * @param timeoutMs for all of it; 0: any time
   * @param done with null if it has come whole, else with what is wrong with it
   */
  read(
    request: ClientRequest,
    response: IncomingMessage,
    timeoutMs: number,
    done: (failure: Outcome | null) => void,
  ): void {
    let called = false
    let timer: NodeJS.Timeout | undefined
    const finish = (failure: Outcome | null): void => {
      if (called) return
      called = true
      clearTimeout(timer)
      request.destroy()
      done(failure)
    }
    response.on('error', () => finish(outcomes.endpointReset))
    response.on('close', () => finish(outcomes.endpointReset))
    this.#block.read(response.rawHeaders.map((text) => Buffer.from(text, 'latin1')))
    // A 2xx is no agreement, but no refusal either: passed on, the client's library would say what it thinks of it.
    if (this.status < 200 || this.status > 599 || this.#block.fault !== '')
      return finish(outcomes.badResponse)
    if (timeoutMs > 0) timer = setTimeout(() => finish(outcomes.bodyTimeout), timeoutMs)
    response.on('data', (piece: Buffer) => {
      this.#bytes += piece.length
      if (this.#bytes > bodyBytesMax) finish(outcomes.badResponse)
      else this.#pieces.push(piece)
    })
    response.on('end', () => finish(response.complete ? null : outcomes.endpointReset))
  }

  /** What is wrong with its head, if that is what is wrong with it; else ''. */
  get fault(): string {
    return this.#block.fault
  }

  get bytes(): number {
    return this.#bytes
  }

  /**
   * The client's connection closes behind it, as it may have sent frames already; behind a long one that it does not take at once, that
   * is left to the client.
   */
  send(res: HttpResponse): void {
    res.cork(() => {
      res.writeStatus(statusLine(this.status))
      const { name, rest } = this.#block
      if (name !== '') res.writeHeader(toWritable(name), toWritable(rest))
      if (!isBodiless(this.status)) {
        const body = Buffer.concat(this.#pieces)
        if (this.#block.length + body.length <= oneCorkBytes) {
          res.end(body, true)
          return
        }
        res.writeHeader('connection', 'close')
        return endWithLarge(res, body, true)
      }
      endWithoutBody(res, true, false)
    })
  }
}
