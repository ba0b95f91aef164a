import { once } from 'node:events'
import { type IncomingMessage, request as plainRequest } from 'node:http'
import { request as tlsRequest } from 'node:https'
import { text } from 'node:stream/consumers'
import { WebSocket } from 'ws'
import { fastApiBody } from './fastapi.ts'
import { payload } from './payload.ts'
import type { Load, OriginShape, Scenario } from './scenario.ts'
import { numberOf, type VariedAnswer, type VariedRequest, variedAnswers, variedRequests } from './varied.ts'

const limitMs = 5_000

/**
 * Sends what the load generator is going to send, once; of requests that differ, some. A server that answers wrongly may be as fast as
 * it likes.
 *
 * @returns null if the answer is right, else what is wrong with it
 */
export async function checkAnswer(url: string, scenario: Scenario): Promise<string | null> {
  try {
    if (scenario.load.protocol === 'websocket') return await checkEcho(url, scenario)
    for (const exchange of exchangesOf(scenario)) {
      const wrong = await checkHttp(url, scenario.load, exchange)
      if (wrong !== null) return wrong
    }
    return null
  } catch (error) {
    return (error as Error).message || String(error)
  }
}

interface Exchange {
  readonly request: VariedRequest
  /** Null: it may say what it likes. */
  readonly answer: VariedAnswer | null
}

/** The exchanges to look at: the one there is; or the first and the last, and the first of each set of fields that answers have. */
function exchangesOf({ load, origin }: Scenario): readonly Exchange[] {
  const answers = origin.varied === undefined ? [] : variedAnswers(origin)
  const answerTo = (number: number): VariedAnswer | null => {
    if (load.path === isolatedPath) return null
    return answers[number % answers.length] ?? { headers: {}, body: answerOf(origin) }
  }
  if (load.varied === undefined) {
    const { path, headers } = load
    return [{ request: { path, headers }, answer: answerTo(numberOf(path)) }]
  }
  const seen = new Set<string>()
  return variedRequests(load)
    .map((request, number) => ({ request, answer: answerTo(number) }))
    .filter(({ answer }, number, all) => {
      const fields = Object.keys(answer?.headers ?? {}).join()
      const isNew = !seen.has(fields)
      seen.add(fields)
      return isNew || number === all.length - 1
    })
}

async function checkHttp(
  url: string,
  load: Load,
  { request: { path, headers }, answer }: Exchange,
): Promise<string | null> {
  const send = url.startsWith('https:') ? tlsRequest : plainRequest
  const request = send(url + path, {
    agent: false,
    // The certificate is the harness' own, and nothing but loopback is asked.
    rejectUnauthorized: false,
    timeout: limitMs,
    method: load.method,
    headers: load.method === 'POST' ? { ...headers, 'Content-Length': load.bodyBytes } : { ...headers },
  })
  request.once('timeout', () => request.destroy(new Error(`no answer within ${limitMs} ms`)))
  request.end(payload(load.bodyBytes))
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  const body = await text(response)
  if (response.statusCode !== 200) return `answered ${response.statusCode}: ${body.slice(0, 200)}`
  if (answer === null) return null
  if (body !== answer.body)
    return `answered ${body.length} bytes instead of the origin's ${answer.body.length}: ${body.slice(0, 200)}`
  const wrong = Object.entries(answer.headers).find(
    ([name, value]) => String(response.headers[name.toLowerCase()]) !== value,
  )
  return wrong === undefined
    ? null
    : `answered ${path} with ${wrong[0]}: ${response.headers[wrong[0].toLowerCase()]} instead of the origin's ${wrong[1]}`
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
