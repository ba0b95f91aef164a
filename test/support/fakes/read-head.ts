import type { HttpRequest } from '../../../src/native/uws.ts'
import { cleanPath } from '../../../src/plan/clean-path.ts'
import type { LimitsPlan } from '../../../src/plan/plan.ts'
import type { RequestHead } from '../../../src/proxy/request-head.ts'
import { plan } from './plans.ts'

/** As the data plane does. */
export function readHead(head: RequestHead, request: HttpRequest, limits: Partial<LimitsPlan> = {}): void {
  const path = request.getUrl()
  head.begin(request.getCaseSensitiveMethod(), path, head.listener, false)
  head.read(request, cleanPath(path), false, { ...plan().limits, ...limits })
}
