import { once } from 'node:events'
import { request as plainRequest } from 'node:http'
import { request as tlsRequest } from 'node:https'
import { text } from 'node:stream/consumers'
import { WebSocket } from 'ws'
import { fastApiBody } from './fastapi.ts'
import { payload } from './payload.ts'
import type { OriginShape, Scenario } from './scenario.ts'

const limitMs = 5_000

/**
 * Sends what the load generator is going to send, once. A server that answers wrongly may be as fast as it likes.
 *
 * @returns null if the answer is right, else what is wrong with it
 */
export async function checkAnswer(url: string, scenario: Scenario): Promise<string | null> {
  try {
    return scenario.load.protocol === 'websocket'
      ? await checkEcho(url, scenario)
      : await checkHttp(url, scenario)
  } catch (error) {
    return (error as Error).message || String(error)
  }
}

async function checkHttp(url: string, { load, origin }: Scenario): Promise<string | null> {
  const send = url.startsWith('https:') ? tlsRequest : plainRequest
  const request = send(url + load.path, {
    agent: false,
    // The certificate is the harness' own, and nothing but loopback is asked.
    rejectUnauthorized: false,
    timeout: limitMs,
    method: load.method,
    headers:
      load.method === 'POST' ? { ...load.headers, 'Content-Length': load.bodyBytes } : { ...load.headers },
  })
  request.once('timeout', () => request.destroy(new Error(`no answer within ${limitMs} ms`)))
  request.end(payload(load.bodyBytes))
  const [response] = await once(request, 'response')
  const body = await text(response)
  if (response.statusCode !== 200) return `answered ${response.statusCode}: ${body.slice(0, 200)}`
  const expected = answerOf(origin)
  if (load.path === isolatedPath || body === expected) return null
  return `answered ${body.length} bytes instead of the origin's ${expected.length}: ${body.slice(0, 200)}`
}

function answerOf(origin: OriginShape): string {
  return origin.fastApi === undefined ? payload(origin.bytes) : fastApiBody
}

/** Answered by the proxy itself, which may say what it likes. */
export const isolatedPath = '/isolated'

async function checkEcho(url: string, { load }: Scenario): Promise<string | null> {
  const socket = new WebSocket(url.replace(/^http/, 'ws') + load.path, {
    rejectUnauthorized: false,
    handshakeTimeout: limitMs,
    perMessageDeflate: false,
  })
  // Before anything is awaited: an error that nobody hears ends the process.
  const opened = once(socket, 'open', { signal: AbortSignal.timeout(limitMs) })
  socket.once('error', () => {})
  try {
    await opened
    const answered = once(socket, 'message', { signal: AbortSignal.timeout(limitMs) })
    socket.send(payload(load.bodyBytes))
    const [data] = await answered
    return String(data) === payload(load.bodyBytes) ? null : `echoed ${String(data).slice(0, 200)}`
  } finally {
    socket.terminate()
  }
}
