/** What a listener refuses by itself, whatever the routes say: see ListenerFacts. */
import type { HttpResponse } from '../native/uws.ts'
import { outcomes } from '../plan/outcome.ts'
import { hasClientCertificate, type ListenerFacts } from './listener-facts.ts'
import type { Route } from './router.ts'

/**
 * Where requests go that lack a client's certificate. The exchange is to be told that its answer is the connection's last, so that the rest of
 * a body is waited for (closing.ts).
 */
export const closedDoor: Route = Object.freeze({
  upstream: null,
  split: null,
  reply: null,
  cleaned: false,
  timeoutMs: 0,
  guard: { refuses: () => outcomes.noClientCertificate },
  mirror: null,
})

/** Whether the request is to go there. Must run inside its handler. */
export function isDoorClosed(res: HttpResponse, { clientCertificate }: ListenerFacts): boolean {
  return clientCertificate && !hasClientCertificate(res)
}
