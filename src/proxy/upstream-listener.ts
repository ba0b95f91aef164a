import type { Endpoint } from './endpoint.ts'
import type { Upstream } from './upstream.ts'

/** What an upstream tells of its endpoints. */
export interface UpstreamListener {
  /** Shut out, for `endpoint.outlier.pauseMs` at first. */
  onOut(upstream: Upstream, endpoint: Endpoint): void
  onBack(upstream: Upstream, endpoint: Endpoint): void
  /** Every endpoint is out, and some are sent requests all the same; or no longer. */
  onFailOpen(upstream: Upstream, failingOpen: boolean): void
  /** Every endpoint that the checks find healthy refuses. Not told again while only probes come between. */
  onUnreachable(upstream: Upstream): void
  /** Nobody need wait for it any more. Not from inside an attempt. */
  onDown(upstream: Upstream): void
  /** A limit that is learned (`upstream.limit`) is another one. @param now milliseconds, on the upstream's clock */
  onLimitMoved(upstream: Upstream, now: number): void
}

/** Listens to nothing. */
export const nobody: UpstreamListener = {
  onOut() {},
  onBack() {},
  onFailOpen() {},
  onUnreachable() {},
  onDown() {},
  onLimitMoved() {},
}
