/** What a WebSocket's handshake must have (RFC 6455, section 4.2.1). The binding looks at the key's length only. */
import type { HttpRequest } from '../../native/uws.ts'

/**
 * Whether the request asks for a WebSocket at all: otherwise it is an ordinary one, whose Upgrade is dropped. One that
 * announces a body is ordinary too: what is wrong with it is then found where bodies are judged.
 */
export function wantsWebSocket(request: HttpRequest): boolean {
  return (
    request.getHeader('content-length') === '' &&
    request.getHeader('transfer-encoding') === '' &&
    asksForWebSocket(request.getHeader('upgrade'), request.getHeader('connection'))
  )
}

/** The values of Upgrade and Connection, as they came. */
export function asksForWebSocket(upgrade: string, connection: string): boolean {
  return (
    upgrade.toLowerCase() === 'websocket' &&
    connection
      .toLowerCase()
      .split(',')
      .some((token) => token.trim() === 'upgrade')
  )
}

/** 16 bytes in base64 (RFC 4648, section 4). */
const keyForm = /^[A-Za-z0-9+/]{22}==$/

/**
 * Whether a request for a WebSocket has one key, and that is one, and no second version (RFC 6455, sections 4.2.1, 11.3.1 and 11.3.5).
 * @param headers name and value alternately
 */
export function isHandshake(headers: readonly string[]): boolean {
  let keys = 0
  let versions = 0
  for (let index = 0; index < headers.length; index += 2) {
    const name = headers[index]
    if (name === 'sec-websocket-version') versions++
    else if (name === 'sec-websocket-key') {
      if (!keyForm.test(headers[index + 1] as string)) return false
      keys++
    }
  }
  return keys === 1 && versions <= 1
}

/** The only version there is (RFC 6455, section 4.4). */
export const version = '13'

/**
 * The subprotocols that a handshake offers.
 * @param headers name and value alternately
 */
export function offered(headers: readonly string[]): string[] {
  const protocols: string[] = []
  for (let index = 0; index < headers.length; index += 2) {
    if (headers[index] !== 'sec-websocket-protocol') continue
    for (const part of (headers[index + 1] as string).split(',')) {
      const protocol = part.trim()
      if (protocol !== '') protocols.push(protocol)
    }
  }
  return protocols
}

/**
 * The client's fields that go into the handshake with the endpoint: all but those of the handshake itself, which is another.
 * @param headers name and value alternately, hop-by-hop fields removed
 */
export function forwardedFields(headers: readonly string[]): Record<string, string | string[]> {
  const fields: Record<string, string | string[]> = Object.create(null)
  for (let index = 0; index < headers.length; index += 2) {
    const name = headers[index] as string
    const value = headers[index + 1] as string
    if (name.startsWith('sec-websocket-') && name !== 'sec-websocket-protocol') continue
    const before = fields[name]
    if (before === undefined) fields[name] = value
    else fields[name] = Array.isArray(before) ? [...before, value] : [before, value]
  }
  return fields
}

/**
 * The fields of an endpoint's agreement that go to the client: all but those of the handshake itself.
 * @param raw name and value alternately, as Node has them: byte strings
 * @returns the same, for ResponseBlock to drop what concerns one connection only
 */
export function answeredFields(raw: readonly string[]): Buffer[] {
  const fields: Buffer[] = []
  for (let index = 0; index < raw.length; index += 2) {
    const name = raw[index] as string
    if (name.toLowerCase().startsWith('sec-websocket-')) continue
    fields.push(Buffer.from(name, 'latin1'), Buffer.from(raw[index + 1] as string, 'latin1'))
  }
  return fields
}
