/**
 * What is counted of the requests of an upstream where metrics are served: how long they took, and what their clients got. The workers
 * count into these buckets and classes, and the control process writes them for Prometheus.
 *
 * Each request that a route has led to an upstream is counted once, at its end, however many attempts, hedges and mirrored copies it
 * had. What no upstream has to do with is not in here: fixed answers, redirects, and what is refused before or by its route (400, 403,
 * 404, 429). Nor are WebSockets, which last as long as somebody wishes, and whose handshakes are few.
 *
 * The durations are not divided by class (as Traefik divides them by status): seventeen series more for each further class, upstream
 * and worker, and four classes are usual. For 1,000 upstreams and 4 workers that is 270,000 series instead of 90,000. What it would
 * tell, that failures are quicker or slower than the rest, matters only while there are many of them, and then the classes tell that.
 */

/** Upper bounds, inclusive, in milliseconds; what took longer has a bucket more. Steps of 2 to 2.5 where targets usually lie. */
export const durationBoundsMs: readonly number[] = [
  1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 60_000,
]

/**
 * By the status that the client got, whether an endpoint's or Weir's own. `truncated`: the head had gone out, and then the endpoint (or
 * Weir, at the end of a drain) did not go on; by its status such a one would pass for a success. `none`: the client left before there was
 * a status, as the access log has it under 499. A client that leaves in the middle of its answer got the class of that.
 */
export const responseClasses = ['2xx', '3xx', '4xx', '5xx', 'truncated', 'none'] as const
export type ResponseClass = (typeof responseClasses)[number]

/** Arrays, so that what a worker tells of a thousand upstreams stays small. */
export interface RequestStats {
  /** How many took so long: one place for each of `durationBoundsMs`, and one for what took longer. Not cumulative. */
  readonly durations: readonly number[]
  /** Of all of them, in milliseconds. */
  readonly sumMs: number
  /** How many there were of each of `responseClasses`, in their order. The sum is that of `durations`. */
  readonly responses: readonly number[]
}
