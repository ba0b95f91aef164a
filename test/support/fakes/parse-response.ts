/** A strict reader of one HTTP/1.1 response (RFC 9112), for bytes that lie in memory. */

export interface ParsedResponse {
  readonly status: number
  readonly statusLine: string
  /** In order, names in lower case, values as byte strings. */
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly body: Buffer
  /** The body has come to the end that the head announced. */
  readonly complete: boolean
  /** What stands behind a complete response. */
  readonly rest: Buffer
}

/** All values of a header, in order. */
export function headerValues(response: ParsedResponse, name: string): string[] {
  return response.headers.filter(([each]) => each === name).map(([, value]) => value)
}

/** @throws {Error} where the bytes are no response, or an incomplete head */
export function parseResponse(bytes: Buffer, isHead: boolean): ParsedResponse {
  const end = bytes.indexOf('\r\n\r\n')
  if (end === -1) throw new Error(`no complete head: ${show(bytes)}`)
  const [statusLine = '', ...lines] = bytes.latin1Slice(0, end).split('\r\n')
  const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(statusLine)?.[1])
  if (Number.isNaN(status)) throw new Error(`no status line: ${show(bytes)}`)
  const headers = lines.map(headerOf)
  const values = (name: string) => headers.filter(([each]) => each === name).map(([, value]) => value)
  const lengths = values('content-length')
  const codings = values('transfer-encoding')
  if (lengths.length + codings.length > 1 && !isHead) throw new Error(`framed twice: ${lines.join(' | ')}`)
  const head = { status, statusLine, headers }
  const body = bytes.subarray(end + 4)
  if (isHead || status === 204 || status === 304) {
    return { ...head, body: Buffer.alloc(0), complete: true, rest: body }
  }
  if (codings[0] === 'chunked') return { ...head, ...chunksOf(body) }
  if (lengths.length === 0) throw new Error(`neither length nor chunks: ${lines.join(' | ')}`)
  const length = Number(lengths[0])
  return {
    ...head,
    body: body.subarray(0, length),
    complete: body.length >= length,
    rest: body.subarray(length),
  }
}

function headerOf(line: string): readonly [string, string] {
  const match = /^([!#$%&'*+.^_`|~\w-]+): ?(.*)$/s.exec(line)
  if (match === null) throw new Error(`no header: ${JSON.stringify(line)}`)
  return [(match[1] as string).toLowerCase(), match[2] as string]
}

function chunksOf(bytes: Buffer): { body: Buffer; complete: boolean; rest: Buffer } {
  const pieces: Buffer[] = []
  let at = 0
  for (;;) {
    const lineEnd = bytes.indexOf('\r\n', at)
    const incomplete = { body: Buffer.concat(pieces), complete: false, rest: Buffer.alloc(0) }
    if (lineEnd === -1) return incomplete
    const line = bytes.latin1Slice(at, lineEnd)
    if (!/^[0-9a-f]+(?:;[a-z]+="[^"]*")?$/i.test(line))
      throw new Error(`no chunk size: ${JSON.stringify(line)} at byte ${at}`)
    const size = Number.parseInt(line, 16)
    at = lineEnd + 2
    pieces.push(bytes.subarray(at, at + size))
    const behind = bytes.subarray(at + size, at + size + 2)
    if (behind.length < 2) return { ...incomplete, body: Buffer.concat(pieces) }
    if (behind.latin1Slice() !== '\r\n') {
      throw new Error(`no CRLF behind a chunk: ${show(bytes.subarray(at + size))}`)
    }
    at += size + 2
    if (size === 0) return { body: Buffer.concat(pieces), complete: true, rest: bytes.subarray(at) }
  }
}

function show(bytes: Buffer): string {
  return JSON.stringify(bytes.toString('latin1', 0, 80))
}
