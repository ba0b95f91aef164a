/** What an origin can do with a request, in good order first, then out of order. Each is a Behaviour or makes one. */
import { setTimeout as sleep } from 'node:timers/promises'
import { byteStream } from './bytes.ts'
import type { Behaviour } from './origin.ts'
import type { OriginExchange, Response } from './origin-exchange.ts'
import type { Pace } from './pace.ts'
import type { Gate } from './wait.ts'
import type { Header } from './wire.ts'

/** 200 with a fixed length, after the request's body. */
export function ok(body: Buffer | string = 'ok', headers: readonly Header[] = []): Behaviour {
  return respond({ body, headers })
}

/** A whole answer with a fixed length, after the request's body. */
export function respond(response: Response): Behaviour {
  return async (exchange) => {
    await exchange.drain()
    await exchange.respond(response)
  }
}

/** 200 in chunks, one per piece. */
export function chunked(pieces: readonly (Buffer | string)[], headers: readonly Header[] = []): Behaviour {
  return async (exchange) => {
    await exchange.drain()
    await exchange.head(200, [...headers, ['transfer-encoding', 'chunked']])
    if (exchange.record.method === 'HEAD') return
    for (const piece of pieces) await exchange.chunk(piece)
    await exchange.endChunks()
  }
}

/** 200 whose pieces come apart, so that whoever passes them on has to begin before it has all of them. */
export function inPieces(pieces: readonly string[], framing: 'length' | 'chunked'): Behaviour {
  return async (exchange) => {
    await exchange.drain()
    await piecesApart(exchange, 200, pieces, framing)
  }
}

/** 413 in pieces as soon as the head of the request is there; its body is read all the same, behind the answer. */
export function earlyInPieces(pieces: readonly string[], framing: 'length' | 'chunked'): Behaviour {
  return async (exchange) => {
    exchange.closing = true
    await piecesApart(exchange, 413, pieces, framing)
    await exchange.drain()
  }
}

async function piecesApart(
  exchange: OriginExchange,
  status: number,
  pieces: readonly string[],
  framing: 'length' | 'chunked',
): Promise<void> {
  await exchange.head(status, [lengthHeader(framing, pieces.join('').length)])
  for (const piece of pieces) {
    await (framing === 'length' ? exchange.write(piece) : exchange.chunk(piece))
    await sleep(30)
  }
  if (framing === 'chunked') await exchange.endChunks()
}

/** 200 whose body ends with the connection (RFC 9112, section 6.3, case 8). */
export function untilClose(body: string): Behaviour {
  return async (exchange) => {
    await exchange.drain()
    await exchange.head(200)
    await exchange.write(body)
    exchange.finish()
  }
}

/** Waits at the gate before it does the rest. */
export function held(gate: Gate, then: Behaviour): Behaviour {
  return async (exchange) => {
    await gate.pass()
    await then(exchange)
  }
}

/** Takes `ms` before it does the rest. */
export function delayed(ms: number, then: Behaviour): Behaviour {
  return async (exchange) => {
    await sleep(ms)
    await then(exchange)
  }
}

/** Never answers; holds the connection until the other side ends it. */
export async function silent(exchange: OriginExchange): Promise<void> {
  await exchange.drain()
  await exchange.closed
}

/** 200 with the head as it was received. */
export async function echoHead(exchange: OriginExchange): Promise<void> {
  await exchange.drain()
  await exchange.respond({ body: exchange.record.rawHead })
}

/** 200 with the request's body, piece by piece as it comes, chunked. */
export async function echoBody(exchange: OriginExchange): Promise<void> {
  await exchange.head(200, [['transfer-encoding', 'chunked']])
  for await (const piece of exchange.body()) await exchange.chunk(piece)
  await exchange.endChunks()
}

/** 200 with the first `total` bytes of the known stream (bytes.ts), as fast as they are taken. */
export function stream(total: number, framing: 'length' | 'chunked'): Behaviour {
  return async (exchange) => {
    await exchange.head(200, [lengthHeader(framing, total)])
    for (const slice of byteStream(total)) {
      if (!(await (framing === 'length' ? exchange.write(slice) : exchange.chunk(slice)))) return
    }
    if (framing === 'chunked') await exchange.endChunks()
  }
}

/** Reads the body at a pace, then answers 200 with `<bytes> <sha256>`. */
export function sink(pace: Pace = {}): Behaviour {
  return async (exchange) => {
    await exchange.drain(pace)
    if (!exchange.record.complete) return
    await exchange.respond({ body: `${exchange.record.bodyBytes} ${exchange.record.bodySha256}` })
  }
}

/** These bytes and nothing else, after the request's body. */
export function raw(bytes: Buffer | string): Behaviour {
  return async (exchange) => {
    await exchange.drain()
    await exchange.write(bytes)
  }
}

/** RST instead of an answer. */
export async function resetBeforeHead(exchange: OriginExchange): Promise<void> {
  await exchange.drain()
  exchange.reset()
}

/** FIN instead of an answer. */
export async function closeBeforeHead(exchange: OriginExchange): Promise<void> {
  await exchange.drain()
  exchange.finish()
}

/**
 * Announces 100,000 bytes (or chunks), sends `sent` of them, waits until `gate` opens so that they can arrive, and
 * ends the connection.
 */
export function breakMidBody(
  framing: 'length' | 'chunked',
  how: 'reset' | 'fin',
  sent: number,
  gate: Gate,
  headers: readonly Header[] = [],
): Behaviour {
  return async (exchange) => {
    await exchange.head(200, [...headers, lengthHeader(framing, 100_000)])
    for (const slice of byteStream(sent)) {
      await (framing === 'length' ? exchange.write(slice) : exchange.chunk(slice))
    }
    await gate.pass()
    if (how === 'reset') exchange.reset()
    else exchange.finish()
  }
}

/**
 * Answers the first request of each connection and destroys the connection at the second, unanswered: what a proxy
 * sees that sends on a kept-alive connection at the moment when the server gives it up.
 */
export function stale(then: Behaviour): Behaviour {
  return async (exchange) => {
    if (exchange.record.ordinal === 1) return then(exchange)
    exchange.wire.socket.destroy()
  }
}

/** Closes the connection `ms` after the answer. */
export function closeWhenIdle(ms: number, then: Behaviour): Behaviour {
  return async (exchange) => {
    await then(exchange)
    setTimeout(() => exchange.wire.socket.end(), ms)
  }
}

function lengthHeader(framing: 'length' | 'chunked', total: number): Header {
  return framing === 'length' ? ['content-length', String(total)] : ['transfer-encoding', 'chunked']
}
