/**
 * The table of how an exchange can end. The proxy never throws for an operating error: an attempt or an exchange
 * ends with one of these rows, and the row says what the client is told, whose fault it was and whether another
 * attempt is allowed. Each exchange is recorded exactly once, under exactly one row.
 */

/** Who to look at first. `none`: it went as meant; `overload`: nobody failed, there was too much to do. */
export type Fault = 'none' | 'client' | 'endpoint' | 'overload' | 'weir'

/**
 * When another attempt may follow (RFC 9110, section 9.2.2).
 * `unsent`: always, since provably no byte of the request left. `idempotent`: if the method is idempotent, the
 * request can be sent again whole and no head has come back. `elsewhere`: the same, and another endpoint is up.
 */
export type Retry = 'never' | 'unsent' | 'idempotent' | 'elsewhere'

export interface Outcome {
  /** Its place in the table, from 0. */
  readonly index: number
  /** The word in logs, statistics and answers. */
  readonly code: string
  /** What the client gets if no head has gone out; 0 where nothing can or need be sent. */
  readonly status: number
  readonly fault: Fault
  readonly retry: Retry
  /** The connection to the client closes behind the answer. */
  readonly closes: boolean
  /** For a person, in the answer's body. Empty where no answer is made. */
  readonly message: string
}

let rows = 0

function row(
  code: string,
  status: number,
  fault: Fault,
  retry: Retry,
  message: string,
  closes = false,
): Outcome {
  return Object.freeze({ index: rows++, code, status, fault, retry, closes, message })
}

export const outcomes = Object.freeze({
  /** The endpoint's answer went out whole, whatever its status. */
  completed: row('completed', 0, 'none', 'never', ''),
  /** A fixed answer of a route. */
  responded: row('responded', 0, 'none', 'never', ''),

  badRequest: row('bad_request', 400, 'client', 'never', 'the request is malformed or ambiguous', true),
  /** Any but `100-continue` (RFC 9110, section 10.1.1). */
  expectationFailed: row(
    'expectation_failed',
    417,
    'client',
    'never',
    'this expectation is not understood',
    true,
  ),
  bodyTooLarge: row('body_too_large', 413, 'client', 'never', 'the request body is too large', true),
  targetTooLong: row('target_too_long', 414, 'client', 'never', 'the request target is too long', true),
  headTooLarge: row('head_too_large', 431, 'client', 'never', 'the request headers are too large', true),
  /** 400 as in nginx: TLS itself went well, since the binding only asks for a certificate. */
  noClientCertificate: row(
    'no_client_certificate',
    400,
    'client',
    'never',
    'a client certificate is required here',
    true,
  ),
  websocketVersion: row(
    'websocket_version',
    426,
    'client',
    'never',
    'the WebSocket version must be 13',
    true,
  ),
  websocketsFull: row('websockets_full', 503, 'overload', 'never', 'too many WebSockets are open', true),
  /** By the address of the client: `access`. */
  forbidden: row('forbidden', 403, 'client', 'never', 'requests from this address are not served'),
  /** Above `clientLimits`. */
  rateLimited: row('rate_limited', 429, 'client', 'never', 'too many requests from this client'),
  tooManyInFlight: row(
    'too_many_in_flight',
    429,
    'client',
    'never',
    'too many requests from this client are in flight',
  ),
  noRoute: row('no_route', 404, 'client', 'never', 'no route matches this host and path'),
  /** 499 as in nginx: it is logged, nobody receives it. */
  clientAborted: row('client_aborted', 0, 'client', 'never', ''),
  /** The client neither read nor sent a byte for the body time-out, or less than `limits.minRate`. */
  clientStalled: row('client_stalled', 408, 'client', 'never', 'the request body stopped coming', true),

  queueFull: row('queue_full', 503, 'overload', 'never', 'too many requests are waiting for this service'),
  queueTimeout: row('queue_timeout', 503, 'overload', 'never', 'the request waited too long for its turn'),
  /** Others went before it: of a higher class, or newer ones while the queue stood. */
  shed: row('shed', 503, 'overload', 'never', 'this service is overloaded'),
  noHealthyEndpoint: row('no_healthy_endpoint', 503, 'endpoint', 'never', 'no server of this service is up'),

  connectFailed: row('connect_failed', 502, 'endpoint', 'unsent', 'the server could not be reached'),
  connectTimeout: row(
    'connect_timeout',
    504,
    'endpoint',
    'unsent',
    'the server did not accept a connection in time',
  ),
  endpointReset: row(
    'endpoint_reset',
    502,
    'endpoint',
    'idempotent',
    'the server closed the connection without an answer',
  ),
  /** Elsewhere only: the same endpoint would take as long again. */
  headersTimeout: row(
    'headers_timeout',
    504,
    'endpoint',
    'elsewhere',
    'the server did not begin its answer in time',
  ),
  badResponse: row('bad_response', 502, 'endpoint', 'never', 'the server sent a malformed answer'),
  /** A status that `retries.on` names, while another attempt is allowed: the client never sees it. */
  retriedStatus: row('retried_status', 502, 'endpoint', 'idempotent', 'the server failed'),
  /** The head was out already, so the client sees its connection end early. */
  responseTruncated: row('response_truncated', 0, 'endpoint', 'never', ''),
  bodyTimeout: row(
    'body_timeout',
    504,
    'endpoint',
    'never',
    'the server stopped in the middle of its answer',
  ),

  /** The route's total time is over. If the head was out, the connection closes. */
  routeTimeout: row(
    'route_timeout',
    504,
    'endpoint',
    'never',
    'the answer took longer than this route allows',
  ),

  /** Behind a pause, which the binding does not always keep (native-notes/10-unbounded-reads.md): memory has a limit. */
  uploadOverrun: row(
    'upload_overrun',
    503,
    'weir',
    'never',
    'the request body came faster than it could be passed on',
    true,
  ),
  /** Draining took longer than it may. */
  drainTimeout: row('drain_timeout', 503, 'weir', 'never', 'this load balancer is shutting down', true),
  internal: row('internal', 500, 'weir', 'never', 'the load balancer failed; see its log', true),
} as const satisfies Record<string, Outcome>)

/** RFC 9110, section 9.2.1. */
export const safeMethods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE'])

/** RFC 9110, section 9.2.2. Compared in upper case, as they stand in requests: methods are case-sensitive. */
export const idempotentMethods: ReadonlySet<string> = new Set([...safeMethods, 'PUT', 'DELETE'])
