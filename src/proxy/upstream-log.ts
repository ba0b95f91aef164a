/** What the log says of what requests have shown of an upstream and its endpoints. One line for a change, none for each probe. */
import type { Logger } from 'pino'
import type { Upstream } from './upstream.ts'
import type { UpstreamListener } from './upstream-listener.ts'

/** @param onDown see UpstreamListener */
export function upstreamLog(log: Logger, onDown: (upstream: Upstream) => void): UpstreamListener {
  return {
    onOut({ name: upstream }, { id: endpoint, outlier }) {
      const { trouble, reason, failures, slowness, pauseMs } = outlier
      const why = trouble === 'slow' ? { slowness: Number(slowness.toFixed(1)) } : { reason, failures }
      log.warn({ upstream, endpoint, trouble, ...why, forMs: pauseMs }, 'endpoint is ejected')
    },
    onBack({ name: upstream }, { id: endpoint }) {
      log.info({ upstream, endpoint }, 'endpoint is no longer ejected')
    },
    onFailOpen({ name: upstream }, failingOpen) {
      if (failingOpen)
        log.error({ upstream }, 'every endpoint is ejected: failing open, they are sent requests')
      else log.info({ upstream }, 'no longer failing open')
    },
    onUnreachable({ name: upstream, endpoints }) {
      const reasons = endpoints.map(({ outlier }) => outlier.reason).filter((reason) => reason !== '')
      log.error(
        { upstream, reason: reasons[0] },
        'no endpoint can be reached: requests are answered with 503',
      )
    },
    onLimitMoved({ name: upstream, limit }, now) {
      if (!limit.worthTelling(now)) return
      log.info({ upstream, limit: limit.places, baseMs: limit.baseMs }, 'concurrency limit has changed')
    },
    onDown,
  }
}
