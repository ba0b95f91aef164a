/**
 * Sticky sessions: a cookie names the endpoint that a client was sent to first, and its later requests go there. Where it
 * names none, another policy picks, and the answer carries the cookie.
 *
 *     cookie ──► names a reachable endpoint ──► has room, and has not just failed ──► there
 *        │ none, forged, signed with         │ otherwise
 *        │ another secret, endpoint down     ▼
 *        │ or gone                           the fallback's pick; the cookie stays, since the session lives there
 *        ▼
 *        the fallback's pick; the answer sets a cookie that names it
 *
 * The value is the HMAC-SHA256 (RFC 2104) of the endpoint's id, in base64url: it names the endpoint and is its own signature,
 * tells nobody an address, and is computed when the endpoints change: a request costs one look into a map. Ids are the same
 * after a reload and in every worker, and so are the values, as long as the secret is.
 *
 * The cookie leads to any endpoint that is reachable, also to one that drains, has weight 0 or is a backup, as in HAProxy:
 * whoever has a session there finishes it, and nobody new comes.
 */
import { createHmac } from 'node:crypto'
import type { StickyPlan } from '../../plan/balance-plan.ts'
import type { Balanced, Balancer, Candidate, Ending } from './policy.ts'
import { cookieEnd, cookieStart, headerOf } from './request-key.ts'

/** Set-Cookie (RFC 6265, section 4.1) as it is sent over http and over https. */
interface Cookies {
  readonly http: string
  readonly https: string
}

export class Sticky<C extends Candidate> implements Balancer<C> {
  readonly steady: boolean
  readonly followsCookies = true
  /** Absent where the fallback does not observe. */
  readonly observe?: (endpoint: C, ms: number, ending: Ending, now?: number) => void
  readonly #cookie: string
  readonly #secret: string
  readonly #fallback: Balancer<C>
  #byToken = new Map<string, C>()
  #cookies = new Map<C, Cookies>()

  /** @param secret not empty; whoever has it can choose his endpoint */
  constructor({ cookie }: Pick<StickyPlan, 'cookie'>, secret: string, fallback: Balancer<C>) {
    this.#cookie = cookie
    this.#secret = secret
    this.#fallback = fallback
    this.steady = fallback.steady === true
    if (fallback.observe !== undefined) this.observe = fallback.observe.bind(fallback)
  }

  rebuild(inTurn: readonly C[], reachable: readonly C[] = inTurn): void {
    this.#byToken = new Map()
    this.#cookies = new Map()
    for (const endpoint of reachable) {
      const token = createHmac('sha256', this.#secret).update(endpoint.id).digest('base64url')
      const cookie = `${this.#cookie}=${token}; Path=/; HttpOnly; SameSite=Lax`
      this.#byToken.set(token, endpoint)
      this.#cookies.set(endpoint, { http: cookie, https: `${cookie}; Secure` })
    }
    this.#fallback.rebuild(inTurn, reachable)
  }

  pick(except: C | null, request: Balanced | null = null): C | null {
    if (request === null) return this.#fallback.pick(except, null)
    request.setCookie = null
    const named = this.#named(request.head.headers)
    if (named !== null && named !== except && (named.free || !request.takesPlace)) return named
    const picked = this.#fallback.pick(except, request)
    if (named === null && picked !== null) {
      request.setCookie = (this.#cookies.get(picked) as Cookies)[request.head.listener.scheme]
    }
    return picked
  }

  #named(headers: readonly string[]): C | null {
    const cookies = headerOf(headers, 'cookie')
    if (cookies === null) return null
    const start = cookieStart(cookies, this.#cookie)
    if (start === -1) return null
    return this.#byToken.get(cookies.slice(start, cookieEnd(cookies, start))) ?? null
  }
}
