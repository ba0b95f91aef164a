/**
 * Which layer of Weir a sample's time belongs to.
 *
 * Some layers are parts of a larger one: a request's way through Weir's own code is too much to have one name. Older runs have the larger
 * one only, and some of it was counted elsewhere: each run says by which division it was made.
 */
import { callers, ownerOf } from './sources.ts'

/** Of the layers below, 1: until 29 November 2026. Higher when time moves from one of the larger layers to another. */
export const division = 2

/** The one that has parts. */
export const exchangeAndHeaders = 'exchange and headers'
const parts = [
  'listener and exchange',
  'client limits',
  'request headers',
  'response headers',
  'bodies',
  'attempts and upstreams',
  'endpoint connections',
  'WebSockets',
] as const

/** In the order of a request's way. */
export const layers = [
  'kernel: clients',
  'kernel: endpoints',
  'kernel: other',
  'uWebSockets.js',
  ...parts,
  'router',
  'admission queue',
  'balancer',
  'undici',
  'logging',
  'garbage collection',
  'control plane',
  'Node, V8 and libuv',
] as const
export type Layer = (typeof layers)[number]

/** A line of a table: a layer, or one that has parts, which stand below it. */
export interface Line {
  readonly name: Layer | typeof exchangeAndHeaders
  readonly isPart: boolean
}

export const lines: readonly Line[] = layers.flatMap((layer): readonly Line[] => {
  const own = { name: layer, isPart: (parts as readonly Layer[]).includes(layer) }
  return layer === parts[0] ? [{ name: exchangeAndHeaders, isPart: false }, own] : [own]
})

/** What each one is, for the table's readers. */
export const layerNotes: Readonly<Record<Line['name'], string>> = {
  'kernel: clients': "send, recv and accept under uWebSockets.js: the clients' connections",
  'kernel: endpoints': "read and write under libuv: the endpoints' connections",
  'kernel: other': 'epoll, timers, interrupts, memory, files',
  'uWebSockets.js': 'its native code: parsing requests, writing responses',
  'exchange and headers':
    '`src/proxy` but for the router, the queue, the balancer and the record, with what it calls in Node and V8:',
  'listener and exchange': '`listener.ts`, `data-plane.ts`, `exchange.ts`, deadlines, answers of its own',
  'client limits': '`clients/`, addresses, how many requests a connection may carry',
  'request headers': '`request-head.ts`, known names and fields, X-Forwarded-*',
  'response headers': '`whole-response.ts`, `response-block.ts`, known heads, 1xx',
  bodies: '`body/`: both ways, and the end of each answer',
  'attempts and upstreams': '`attempt.ts`, `tries.ts`, `upstream.ts`, retries, hedges, mirrors, outliers',
  'endpoint connections':
    "`pool.ts`, `departures.ts`, `endpoint-socket.ts`, `shortcut.ts`: what Node's sockets and most of undici's parser did until 25 November",
  WebSockets: '`websocket/` and ws',
  router: '`router.ts`, `split.ts`',
  'admission queue': '`admission.ts`, `overload/` and fastq',
  balancer: '`balance/`, who is in turn, slow start',
  undici:
    "undici, its parser in WebAssembly where a response does not come whole, and Node's sockets below it where endpoints speak TLS",
  logging: '`record.ts`, counts for metrics, `log.ts`, the lines on their way, pino',
  'garbage collection': 'all threads',
  'control plane': 'inline, it is in the same process: checks of health, metrics, reloads',
  'Node, V8 and libuv':
    "the event loop, compilers, what no layer's function called, and malloc, whose caller is not seen",
}

/** The lines that had other files in them by the division before: from one run to another only their sum tells anything. */
const redivided: ReadonlySet<string> = new Set<Line['name']>([
  exchangeAndHeaders,
  ...parts,
  'router',
  'admission queue',
  'balancer',
  'logging',
  'control plane',
  'Node, V8 and libuv',
])

/** Whether a line is of the same time in runs of two divisions. */
export function isComparable(name: Line['name'], before: number, after: number): boolean {
  return before === after || !redivided.has(name)
}

/** What a run of any division has for a line; null: its division has no such layer. */
export function amountOf(counts: Readonly<Record<string, number>>, name: Line['name']): number | null {
  const own = counts[name]
  if (own !== undefined || name !== exchangeAndHeaders) return own ?? null
  return parts.reduce<number | null>((sum, part) => {
    const count = counts[part]
    return sum === null || count === undefined ? null : sum + count
  }, 0)
}

export interface Frame {
  readonly kind: 'kernel' | 'uws' | 'native' | 'js'
  /** A symbol; for JavaScript `name file:line:column`. */
  readonly name: string
}

/** Leaf first. */
export type Stack = readonly Frame[]

const packages: Readonly<Record<string, Layer>> = {
  undici: 'undici',
  fastq: 'admission queue',
  ws: 'WebSockets',
  pino: 'logging',
  'sonic-boom': 'logging',
  'thread-stream': 'logging',
  'quick-format-unescaped': 'logging',
}
const ofPackage = /^.*\/node_modules\/((?:@[^/]+\/)?[^/]+)\//
const ofPino = /^pino-/
const ofSources = /^.*\/(?:src|dist)\/((?:[\w-]+\/)*[\w-]+)\.[jt]s\b/

/** The layer of a JavaScript function, from the file in its name; null for Node's own and others that serve any layer. */
export function layerOfFile(name: string): Layer | null {
  const dependency = ofPackage.exec(name)?.[1]
  if (dependency !== undefined) return packages[dependency] ?? (ofPino.test(dependency) ? 'logging' : null)
  const source = ofSources.exec(name)?.[1]
  const owner = source === undefined ? null : ownerOf(source)
  return owner === callers ? null : owner
}

const collector =
  /Heap::(CollectGarbage|PerformGarbageCollection|Scavenge\b|MarkCompact|FinalizeIncremental)|Scaveng|MarkCompact|ConcurrentMark|MarkingVisitor|MarkingWorklist|IncrementalMarking|Sweeper|MinorGC|Evacuat|GCTracer|heap::base::Worklist|\(garbage collector\)/

/**
 * The layer that a stack's time belongs to: from the leaf on, the first frame that names one. What serves any layer (V8's
 * built-in functions, Node's streams, libc) belongs to whoever called it.
 */
export function layerOf(stack: Stack): Layer {
  if (stack[0]?.kind === 'kernel') return kernelSide(stack)
  for (const { kind, name } of stack) {
    if (kind === 'uws') return 'uWebSockets.js'
    if (kind === 'js') {
      const layer = layerOfFile(name)
      if (layer !== null) return layer
    }
    if (kind !== 'kernel' && collector.test(name)) return 'garbage collection'
  }
  return 'Node, V8 and libuv'
}

const ofSockets = /^(sock_|__sys_(send|recv|accept|connect|shutdown|getpeername)|tcp_|unix_stream_)/
/** Waiting for events, and for the core that somebody else was given. */
const ofWaiting = /epoll|^ep_|futex|^schedule$|^exit_to_user_mode_loop$/
const libc = /^_*(GI_+)?(libc_)?(send|recv|write|writev|read|readv|sendto|recvfrom|accept4?|getpeername)$/
const clientCalls = /_sys_(sendto|recvfrom|sendmsg|recvmsg|accept4?|shutdown|getpeername)$/

/**
 * Whose connection the kernel works for. uWebSockets.js and libuv make different system calls, and call them from different
 * libraries; libc between them, which has no frame pointers, sometimes hides the library.
 */
function kernelSide(stack: Stack): Layer {
  const boundary = stack.findIndex((frame) => frame.kind !== 'kernel')
  const kernel = boundary < 0 ? stack : stack.slice(0, boundary)
  if (kernel.some(({ name }) => ofWaiting.test(name))) return 'kernel: other'
  if (!kernel.some(({ name }) => ofSockets.test(name))) return 'kernel: other'
  // An interrupt handles packets for whoever they are: only a system call is made for somebody.
  if (!kernel.some(({ name }) => /_sys_\w+$|^ksys_\w+$|^do_(writev|readv)$/.test(name)))
    return 'kernel: other'
  const caller = stack.slice(kernel.length).find((frame) => !libc.test(frame.name))
  if (caller?.kind === 'uws') return 'kernel: clients'
  if (kernel.some(({ name }) => clientCalls.test(name))) return 'kernel: clients'
  return 'kernel: endpoints'
}

export type LayerCounts = Readonly<Record<Layer, number>>

/** Weights of stacks added up by layer. */
export function countLayers(stacks: Iterable<readonly [stack: Stack, weight: number]>): LayerCounts {
  const counts = Object.fromEntries(layers.map((layer) => [layer, 0])) as Record<Layer, number>
  for (const [stack, weight] of stacks) counts[layerOf(stack)] += weight
  return counts
}

/** Counts as shares of a whole: 1 together, or 0 if there is nothing. */
export function shares(counts: LayerCounts): LayerCounts {
  const total = layers.reduce((sum, layer) => sum + counts[layer], 0)
  return scaled(counts, total === 0 ? 0 : 1 / total)
}

export function scaled(counts: LayerCounts, factor: number): LayerCounts {
  return Object.fromEntries(layers.map((layer) => [layer, counts[layer] * factor])) as Record<Layer, number>
}
