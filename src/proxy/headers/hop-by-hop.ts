/**
 * Header fields that concern one connection only and are never forwarded, in either direction (RFC 9110, section
 * 7.6.1). Connection also nominates others; `nominated` finds them. Compared length first, since nearly every name
 * that comes by is of another length than these.
 */

/** @param name in lower case. */
export function isHopByHop(name: string): boolean {
  switch (name.length) {
    case 2:
      return name === 'te'
    // No field at all (RFC 9110, section 7.6.1), but `Connection: close` would nominate it.
    case 5:
      return name === 'close'
    case 7:
      return name === 'trailer' || name === 'upgrade'
    case 10:
      return name === 'connection' || name === 'keep-alive'
    case 16:
      return name === 'proxy-connection'
    case 17:
      return name === 'transfer-encoding'
    default:
      return false
  }
}

export const none: ReadonlySet<string> = new Set()

/**
 * The names that a Connection header's value adds to the list, in lower case. `close` and `keep-alive` are no names.
 * Framing and routing fields cannot be nominated away: Weir writes its own, and dropping Host or Content-Length on a client's
 * word would change what the message is. A set, since there may be thousands in one head, to be looked for behind each of its fields.
 */
export function nominated(connection: string): ReadonlySet<string> {
  if (connection === 'keep-alive' || connection === 'close' || connection === '') return none
  const names = new Set<string>()
  for (const part of connection.toLowerCase().split(',')) {
    const token = part.trim()
    if (!notNominated.has(token)) names.add(token)
  }
  return names
}

/** Whether a Connection header's value has the option `close`. */
export function wantsClose(connection: string): boolean {
  if (connection === '' || connection === 'keep-alive') return false
  return connection.split(',').some((option) => option.trim().toLowerCase() === 'close')
}

/**
 * Whether the binding closes the connection behind the answer by itself, and says nothing of it in the head: it looks at the
 * length of the first Connection header's value, and takes any of five bytes for `close`.
 */
export function bindingCloses(connection: string): boolean {
  return connection.length === 5
}

const notNominated = new Set(['', 'close', 'keep-alive', 'host', 'content-length', 'transfer-encoding'])
