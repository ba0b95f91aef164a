/** What a listener refuses by itself, before any route is looked at: see ListenerFacts. */
import type { HttpRequest, HttpResponse } from '../native/uws.ts'
import { outcomes } from '../plan/outcome.ts'
import { describe } from './describe.ts'
import { bindingCloses } from './headers/hop-by-hop.ts'
import { hasClientCertificate, type ListenerFacts } from './listener-facts.ts'
import type { Recorder } from './record.ts'
import { answer } from './reply.ts'

/**
 * For a listener that requires a client's certificate. Must run inside the request's handler.
 * @returns whether the request has been refused, and recorded
 */
export function refusedAtTheDoor(
  res: HttpResponse,
  request: HttpRequest,
  by: ListenerFacts,
  recorder: Recorder,
): boolean {
  if (hasClientCertificate(res)) return false
  const outcome = outcomes.noClientCertificate
  const { status } = outcome
  if (recorder.responded(status, outcome)) recorder.tellResponded(describe(res, request, by), status, outcome)
  answer(res, outcome, request.getCaseSensitiveMethod(), request.getHeader('accept'), true, {
    bindingCloses: bindingCloses(request.getHeader('connection')),
  })
  return true
}
