/** Clients at other addresses than the load generator's, for subjects that remember where connections come from. */
import { once } from 'node:events'
import { Agent as PlainAgent, request as plainRequest } from 'node:http'
import { Agent as TlsAgent, request as tlsRequest } from 'node:https'
import { text } from 'node:stream/consumers'
import type { Load } from './scenario.ts'

/** Subjects that are looked at closely take their time. */
const limitMs = 120_000

/**
 * Does something while a connection from each of the addresses stands, which has had an answer. A subject that closes idle ones does
 * so while it works; it has seen them.
 *
 * @param url of the subject
 * @throws {Error} with the address if one cannot be opened from it (other systems than Linux know no 127.0.0.2), or has no answer.
 */
export async function withOtherClients<T>(
  { otherClients = [], path }: Pick<Load, 'otherClients' | 'path'>,
  url: string,
  work: () => Promise<T>,
): Promise<T> {
  const agents = otherClients.map((localAddress) => {
    const options = { keepAlive: true, localAddress }
    return url.startsWith('https:') ? new TlsAgent(options) : new PlainAgent(options)
  })
  try {
    for (const [index, agent] of agents.entries()) {
      await ask(url + path, agent).catch((error: unknown) => {
        throw new Error(`a client at ${otherClients[index]} had no answer: ${(error as Error).message}`)
      })
    }
    return await work()
  } finally {
    for (const agent of agents) agent.destroy()
  }
}

async function ask(url: string, agent: PlainAgent | TlsAgent): Promise<void> {
  const send = url.startsWith('https:') ? tlsRequest : plainRequest
  // The certificate is the harness' own.
  const request = send(url, { agent, rejectUnauthorized: false, timeout: limitMs })
  request.once('timeout', () => request.destroy(new Error(`no answer within ${limitMs} ms`)))
  // While it is idle, too: nobody waits for what becomes of it.
  request.on('socket', (socket) => socket.on('error', () => {}))
  request.end()
  const [response] = await once(request, 'response')
  await text(response)
}
