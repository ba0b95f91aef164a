/** What the log tells of a request that needed no exchange. Called only for a line that will be written. */
import type { HttpRequest, HttpResponse } from '../native/uws.ts'
import { clientAddress } from './client-address.ts'
import type { ListenerFacts } from './listener-facts.ts'

export function describe(res: HttpResponse, request: HttpRequest, listener: ListenerFacts) {
  const query = request.getQuery() as string | undefined
  const target = query === undefined ? request.getUrl() : `${request.getUrl()}?${query}`
  const method = request.getCaseSensitiveMethod()
  const head = { method, target, host: request.getHeader('host'), fault: null, requestId: '' }
  return { head, address: clientAddress(res, listener) }
}
