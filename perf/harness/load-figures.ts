/** What one run of a load generator saw. */
export interface LoadFigures {
  /** Answered, whatever the status. */
  readonly requests: number
  readonly seconds: number
  readonly requestsPerSecond: number
  /** Heads and bodies. */
  readonly bytesRead: number
  readonly latency: LatencyFigures
  /** Requests that failed, by kind: `status` for an answer outside 2xx, the rest for none. */
  readonly failed: Readonly<Record<string, number>>
}

/** In microseconds, from the request's first byte sent to the answer's last received. */
export interface LatencyFigures {
  readonly averageUs: number
  readonly deviationUs: number
  readonly maxUs: number
  readonly p50Us: number
  readonly p99Us: number
  readonly p999Us: number
}
