/** Both ends included. */
export interface Range {
  readonly min: number
  readonly max: number
}

/** Every bound on what a configuration may say, in one place. The schema's descriptions quote them. */
export const limits = {
  /** Of the file, in bytes. */
  fileBytes: 1024 * 1024,
  /** Objects and arrays inside one another. The outline needs seven. */
  nesting: 32,

  workers: { min: 1, max: 1024 },
  listeners: { min: 1, max: 64 },
  listenPort: { min: 0, max: 65_535 },
  redirectPort: { min: 1, max: 65_535 },
  /** Of the path of a file, in characters: PATH_MAX of Linux. */
  filePathLength: 4096,
  /** `sun_path` of Linux, without its closing zero, which takes so many bytes. */
  unixPathLength: 107,
  proxyProtocolPeers: { min: 1, max: 1024 },
  passphraseLength: 1024,
  /** Of one listener, beside the one that it has anyway. */
  certificates: { min: 0, max: 100 },
  /** Of one certificate. */
  serverNames: { min: 1, max: 100 },
  drainTimeoutMs: { min: 1, max: 86_400_000 },

  upstreams: { min: 0, max: 1000 },
  endpoints: { min: 1, max: 1000 },
  weight: { min: 0, max: 256 },
  /** 0 means none. */
  slowStartMs: { min: 0, max: 86_400_000 },
  loadFactor: { min: 1.01, max: 1000 },
  /** Of a cookie, of a header, and of a parameter in a query, in characters. */
  keyNameLength: 256,
  /** Of what signs cookies, in characters. */
  secretLength: { min: 16, max: 1024 },
  connections: { min: 1, max: 10_000 },
  pipelining: { min: 1, max: 128 },
  /** Of requests in flight, whatever the connections. */
  concurrency: { min: 1, max: 100_000 },
  tolerance: { min: 1.1, max: 10 },
  /** 0 means none. */
  timeoutMs: { min: 0, max: 86_400_000 },
  queueLimit: { min: 0, max: 1_000_000 },
  queueTimeoutMs: { min: 1, max: 86_400_000 },
  /** 0 means none. */
  queueTargetMs: { min: 0, max: 86_400_000 },
  /** From 10 ms: below, a pause of the garbage collector is an interval. */
  queueIntervalMs: { min: 10, max: 86_400_000 },
  priorityValues: { min: 0, max: 64 },
  retryAttempts: { min: 0, max: 10 },
  retriesPerSecond: { min: 0, max: 10_000 },
  /** 0 means none. */
  retryBodyBytes: { min: 0, max: 16 * 1024 ** 2 },
  hedgingPercentile: { min: 50, max: 99.9 },
  /** From 1 ms: timers are no finer. */
  hedgingMinMs: { min: 1, max: 86_400_000 },
  /** 0 means none. */
  hedgingMaxMs: { min: 0, max: 86_400_000 },
  outlierFailures: { min: 1, max: 1000 },
  outlierTimeMs: { min: 1, max: 86_400_000 },
  outlierSlowFactor: { min: 2, max: 1000 },
  /** From 10 ms: below, a check is a load test. */
  healthIntervalMs: { min: 10, max: 86_400_000 },
  healthTimeoutMs: { min: 1, max: 86_400_000 },
  healthStreak: { min: 1, max: 100 },

  headBytes: { min: 1024, max: 32_768 },
  headerCount: { min: 1, max: 98 },
  targetBytes: { min: 1, max: 32_768 },
  /** 0 means none. */
  bodyBytes: { min: 0, max: 1024 * 1024 ** 3 },
  /** Per second. 0 means none. */
  minRateBytes: { min: 0, max: 1024 ** 2 },
  /** From 4 s: a worker looks that often. */
  minRateOverMs: { min: 4_000, max: 3_600_000 },
  /** 0 means none. */
  clientConnections: { min: 0, max: 1_000_000 },
  /** 0 means none. */
  connectionRequests: { min: 0, max: 1_000_000_000 },
  /** 0 means none. */
  connectionAgeMs: { min: 0, max: 86_400_000 },

  websockets: { min: 0, max: 1_000_000 },
  websocketPayload: { min: 1024, max: 256 * 1024 ** 2 },
  websocketIdleMs: { min: 8_000, max: 960_000 },

  /** Of `allow` and of `deny`. */
  accessNetworks: { min: 0, max: 1024 },
  clientRequests: { min: 1, max: 1_000_000 },
  clientRatePerMs: { min: 1, max: 86_400_000 },
  clientInFlight: { min: 1, max: 1_000_000 },
  clientKeys: { min: 1024, max: 4 * 1024 ** 2 },

  trustedProxies: { min: 0, max: 1024 },
  /** Of an address with a prefix length, in characters. */
  networkLength: 49,

  routes: { min: 0, max: 10_000 },
  splitParts: { min: 2, max: 100 },
  splitWeight: { min: 0, max: 1_000_000 },
  /** Of a host name (RFC 1035, section 2.3.4), in characters. */
  hostLength: 253,
  /** Of a route's path and of a health check's target, in characters. */
  pathLength: 2048,
  /** 1xx is not final, and nothing above 599 has a meaning (RFC 9110, section 15). */
  respondStatus: { min: 200, max: 599 },
  respondHeaders: { min: 0, max: 64 },
  /** Of one header's value, in bytes (they are ASCII). */
  headerValueLength: 4096,
  /** Of a fixed answer's body, in characters. */
  respondBodyLength: 64 * 1024,
} as const satisfies Record<string, number | Range>
