/** The answer of a listener that only sends clients to https. */
import type { HttpRequest } from '../native/uws.ts'
import { endWhole, type Reply } from './reply.ts'
import type { Route } from './router.ts'
import { statusLine } from './status-line.ts'

/** Permanent, and the method stays what it was (RFC 9110, section 15.4.9). */
const redirectStatus = 308

const httpsPort = 443

/**
 * Host and target must have been found valid: they are written as they are.
 * @param host the Host header, with or without a port
 */
export function redirectLocation(host: string, port: number, target: string): string {
  const name = host.replace(/:\d*$/, '')
  return `https://${name}${port === httpsPort ? '' : `:${port}`}${target}`
}

/**
 * The one route of such a listener, for this request. It is judged like any other first: what could be read in two ways is no request that
 * may be answered, and host and target are written into the answer as they are.
 */
export function redirectRoute(request: HttpRequest, port: number): Route {
  const host = request.getHeader('host')
  const query = request.getQuery() as string | undefined
  const target = query === undefined ? request.getUrl() : `${request.getUrl()}?${query}`
  const send: Reply['send'] = (res, _method, close, bindingCloses, upload = null) => {
    res.writeStatus(statusLine(redirectStatus))
    res.writeHeader('location', redirectLocation(host, port, target))
    endWhole(res, '', close, bindingCloses, upload)
  }
  const reply = { status: redirectStatus, send }
  return { upstream: null, split: null, reply, cleaned: false, timeoutMs: 0, guard: null, mirror: null }
}
