export interface RoutePlan {
  /** null: any. Lower case, without port; `*.example.com` matches every name below `example.com`, not itself. */
  readonly host: string | null
  /** null: any. Exact, or a prefix when it ends in `/*` (`/api/*` matches `/api/` and below, and `/api` itself). */
  readonly path: string | null
  readonly target: RouteTarget
  /** What goes upstream: the target as the client sent it, or with the path that the route was matched on. */
  readonly forwardPath: ForwardPath
  /** From the request's head to the end of the response; 0: none. */
  readonly timeoutMs: number
  /** Absent: everybody may come. */
  readonly access?: AccessPlan
  /** To which upstream a share, 0 to 1, of the requests without a body is copied. Absent: none is. */
  readonly mirror?: { readonly upstream: string; readonly share: number }
  /** Who goes first when requests wait. Absent: `normal`. */
  readonly priority?: PriorityPlan
  /** Absent: as often as they like. */
  readonly clientLimits?: ClientLimitsPlan
}

/** The classes of the admission queue, the first goes first. */
export const priorityWords = ['high', 'normal', 'low'] as const
export type PriorityWord = (typeof priorityWords)[number]

export type PriorityPlan = PriorityWord | HeaderPriorityPlan

/** By the whole value of a header, whose name is in lower case. */
export interface HeaderPriorityPlan {
  readonly header: string
  readonly values: readonly (readonly [value: string, priority: PriorityWord])[]
  /** For every other value, and without the header. */
  readonly default: PriorityWord
}

/** Addresses and networks (CIDR). Who is denied is denied, whatever `allow` says; an empty `allow` is everybody. */
export interface AccessPlan {
  readonly allow: readonly string[]
  readonly deny: readonly string[]
}

/** Per client and worker. */
export interface ClientLimitsPlan {
  /** Routes with the same one count together: `all`, or a route's host and path. */
  readonly scope: string
  /** A token bucket; null: any rate. */
  readonly rate: { readonly requests: number; readonly perMs: number; readonly burst: number } | null
  /** 0: any number. */
  readonly inFlight: number
  /** What makes a client. The name of a header is in lower case. */
  readonly by: 'address' | { readonly header: string } | { readonly cookie: string }
  /** Clients that are remembered at a time. */
  readonly keys: number
  /** Count, but refuse nothing. */
  readonly dryRun: boolean
}

export const forwardPaths = ['received', 'cleaned'] as const
export type ForwardPath = (typeof forwardPaths)[number]

export type RouteTarget =
  /** With `split` to one of several, the first of which is `upstream`. */
  | { readonly kind: 'upstream'; readonly upstream: string; readonly split?: SplitPlan }
  | { readonly kind: 'respond'; readonly respond: FixedResponse }

export interface SplitPlan {
  /** Each upstream once; some weight is above 0. */
  readonly parts: readonly { readonly upstream: string; readonly weight: number }[]
  /** Whose value may name one of them; lower case. null: none. */
  readonly header: string | null
}

/** An answer that touches no upstream. */
export interface FixedResponse {
  /** 200 to 599. */
  readonly status: number
  /** Pairs, in order; validated: nothing here can split a response. */
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly body: string
}
