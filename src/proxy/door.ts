/** What a listener answers by itself, before any route is looked at: see ListenerFacts. */
import type { HttpRequest, HttpResponse } from '../native/uws.ts'
import { outcomes } from '../plan/outcome.ts'
import { describe } from './describe.ts'
import { isHost, isTarget } from './headers/bytes.ts'
import { bindingCloses, wantsClose } from './headers/hop-by-hop.ts'
import { hasClientCertificate, type ListenerFacts } from './listener-facts.ts'
import type { Recorder } from './record.ts'
import { redirectStatus, redirectToHttps } from './redirect.ts'
import { answer } from './reply.ts'

/**
 * Must run inside the request's handler.
 * @param last the connection closes behind the answer
 * @returns whether the request has been answered, and recorded
 */
export function answeredAtTheDoor(
  res: HttpResponse,
  request: HttpRequest,
  by: ListenerFacts,
  recorder: Recorder,
  last: boolean,
): boolean {
  if (by.clientCertificate && !hasClientCertificate(res)) {
    refuse(outcomes.noClientCertificate, res, request, by, recorder)
    return true
  }
  if (by.redirectPort === 0) return false
  const host = request.getHeader('host')
  const query = request.getQuery() as string | undefined
  const target = query === undefined ? request.getUrl() : `${request.getUrl()}?${query}`
  // Both are written into the answer's head as they are.
  if (!isHost(host) || !isTarget(target)) {
    refuse(outcomes.badRequest, res, request, by, recorder)
    return true
  }
  if (recorder.responded(redirectStatus)) recorder.tellResponded(describe(res, request, by), redirectStatus)
  // Nobody reads a body that comes with it.
  const hasBody = request.getHeader('content-length') !== '' || request.getHeader('transfer-encoding') !== ''
  const connection = request.getHeader('connection')
  const close = last || hasBody || wantsClose(connection)
  redirectToHttps(res, host, by.redirectPort, target, close, bindingCloses(connection))
  return true
}

function refuse(
  outcome: typeof outcomes.badRequest,
  res: HttpResponse,
  request: HttpRequest,
  by: ListenerFacts,
  recorder: Recorder,
): void {
  const { status } = outcome
  if (recorder.responded(status, outcome)) recorder.tellResponded(describe(res, request, by), status, outcome)
  const itself = bindingCloses(request.getHeader('connection'))
  answer(res, outcome, request.getCaseSensitiveMethod(), request.getHeader('accept'), true, itself)
}
