/** Which layer of Weir a sample's time belongs to. */

export const layers = [
  'kernel: clients',
  'kernel: endpoints',
  'kernel: other',
  'uWebSockets.js',
  'exchange and headers',
  'router',
  'admission queue',
  'balancer',
  'undici',
  'logging',
  'garbage collection',
  'Node, V8 and libuv',
] as const
export type Layer = (typeof layers)[number]

/** What each one is, for the table's readers. */
export const layerNotes: Readonly<Record<Layer, string>> = {
  'kernel: clients': "send, recv and accept under uWebSockets.js: the clients' connections",
  'kernel: endpoints': "read and write under libuv: the endpoints' connections",
  'kernel: other': 'epoll, timers, interrupts, memory, files',
  'uWebSockets.js': 'its native code: parsing requests, writing responses',
  'exchange and headers': '`src/proxy` but for the next three, with what it calls in Node and V8',
  router: '`router.ts`',
  'admission queue': '`admission.ts` and fastq',
  balancer: '`balance/`',
  undici: "undici, its parser in WebAssembly, and Node's sockets and streams under it",
  logging: '`record.ts`, `log.ts`, pino',
  'garbage collection': 'all threads',
  'Node, V8 and libuv':
    "the event loop, compilers, what no layer's function called, and malloc, whose caller is not seen",
}

export interface Frame {
  readonly kind: 'kernel' | 'uws' | 'native' | 'js'
  /** A symbol; for JavaScript `name file:line:column`. */
  readonly name: string
}

/** Leaf first. */
export type Stack = readonly Frame[]

const byFile: readonly (readonly [file: RegExp, layer: Layer])[] = [
  [/\/node_modules\/undici\//, 'undici'],
  [/\/node_modules\/fastq\//, 'admission queue'],
  [/\/node_modules\/(pino|pino-[\w-]+|sonic-boom|thread-stream|quick-format-unescaped)\//, 'logging'],
  [/\/node_modules\/ws\//, 'exchange and headers'],
  [/\/(src|dist)\/proxy\/router\.[jt]s/, 'router'],
  [/\/(src|dist)\/proxy\/admission\.[jt]s/, 'admission queue'],
  [/\/(src|dist)\/proxy\/balance\//, 'balancer'],
  [/\/(src|dist)\/(proxy\/record|log)\.[jt]s/, 'logging'],
  [/\/(src|dist)\/proxy\//, 'exchange and headers'],
]

/** The layer of a JavaScript function, from the file in its name; null for Node's own and others that serve any layer. */
export function layerOfFile(name: string): Layer | null {
  return byFile.find(([file]) => file.test(name))?.[1] ?? null
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
