/** The answer of a listener that only sends clients to https. */
import type { HttpResponse } from '../native/uws.ts'
import { statusLine } from './status-line.ts'

/** Permanent, and the method stays what it was (RFC 9110, section 15.4.9). */
export const redirectStatus = 308

const httpsPort = 443

/**
 * Host and target must have been found valid: they are written as they are.
 * @param host the Host header, with or without a port
 */
export function redirectLocation(host: string, port: number, target: string): string {
  const name = host.replace(/:\d*$/, '')
  return `https://${name}${port === httpsPort ? '' : `:${port}`}${target}`
}

/** Must run inside the request's handler: there the binding corks by itself. @param itself see `answer` in reply.ts */
export function redirectToHttps(
  res: HttpResponse,
  host: string,
  port: number,
  target: string,
  close: boolean,
  itself = false,
): void {
  res.writeStatus(statusLine(redirectStatus))
  res.writeHeader('location', redirectLocation(host, port, target))
  if (itself) res.writeHeader('connection', 'close')
  res.end('', close && !itself)
}
