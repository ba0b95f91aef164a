/** The figures of "Performance Analysis Report: Go Load Balancer" (June 18, 2025), as they stand in it. */
export const original = {
  title: 'Performance Analysis Report: Go Load Balancer',
  date: 'June 18, 2025',
  /** Its table 1. */
  isolated: {
    requests: 293_274,
    seconds: 10.09,
    requestsPerSecond: 29_062.24,
    averageMs: 15.61,
    deviationMs: 16.1,
    maxMs: 338.97,
    megabytes: 20.98,
    megabytesPerSecond: 2.08,
    errors: { connect: 0, read: 0, write: 243, timeout: 0 },
  },
  /** Requests per second, which is all that it says of them. */
  alone: 900,
  one: 500,
  three: 360,
} as const
