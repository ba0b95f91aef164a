/**
 * One active check of one endpoint.
 *
 *     look up, connect ──(no path)──▶ verdict
 *            └──(path)──▶ GET ──▶ head ──▶ verdict ──▶ the body is read and dropped
 *
 * Invariants:
 * - A check has a socket of its own, made and closed here, so that a stuck connection never spoils a later check.
 * - The promise settles once that socket has closed and the timer is cleared: nothing of a check outlives it.
 * - The first verdict stands; whatever goes wrong while the body is dropped no longer changes it.
 * - The promise never rejects: whatever goes wrong is a verdict with a reason.
 */
import { readFileSync } from 'node:fs'
import { connect, type IpcNetConnectOpts, isIP, type Socket, type TcpNetConnectOpts } from 'node:net'
import { connect as connectSecurely, TLSSocket } from 'node:tls'
import { Client, type Dispatcher } from 'undici'
import { originUrl, socketPath, unbracketed } from '../../plan/origin.ts'
import { isOwnShortage } from '../../plan/own-shortage.ts'
import { type ProxyVersion, proxyHeader } from '../../plan/proxy-header.ts'
import { trustOptions } from '../../plan/trust.ts'
import type { UpstreamTlsPlan } from '../../plan/upstream-plan.ts'

/** `null`: nothing was learned of the endpoint, since this side lacked what a connection takes. */
export type Verdict =
  | { readonly healthy: true }
  | { readonly healthy: false; readonly reason: string }
  | { readonly healthy: null; readonly reason: string }

export interface ProbeTarget {
  /** `http://127.0.0.1:9001` or `unix:/run/app.sock`. */
  readonly origin: string
  /** How an https origin is trusted. */
  readonly tls?: UpstreamTlsPlan | undefined
  /** The connection begins with a PROXY header that names nobody. */
  readonly proxyProtocol?: ProxyVersion | undefined
  /** null: a connection that opens is the check. Otherwise a GET of this target that must answer 2xx or 3xx. */
  readonly path: string | null
  /** Bounds the whole check: looking up the name, connecting, and the answer's head. */
  readonly timeoutMs: number
}

/** Never rejects. Once `signal` aborts the check ends at once, and its verdict means nothing. */
export type Probe = (target: ProbeTarget, signal: AbortSignal) => Promise<Verdict>

const maxHeadBytes = 16 * 1024
/** A body is read so that the origin can finish writing it; more than this is a page or a download, and is cut. */
const maxBodyBytes = 64 * 1024

const manifest = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'))
/** How the check names itself in the origin's access log. */
const userAgent = `weir-health/${manifest.version}`

const noAnswer = 'closed the connection without an answer'
const up: Verdict = Object.freeze({ healthy: true })

/** Checks `target` once. See {@link Probe} for what it promises. */
export const probe: Probe = (target, signal) =>
  new Promise((resolve) => {
    let verdict: Verdict | null = null
    let connected = false
    let socket: Socket

    try {
      socket = open(target)
    } catch (error) {
      resolve(failed(error))
      return
    }

    const finish = (last: Verdict) => {
      verdict ??= last
      socket.destroy()
    }
    const onAbort = () => finish(down('the check was stopped'))
    // Timers run before input in a turn of the event loop. After a stall (a suspended machine, a long pause of this
    // process) every check would seem late although its answer is waiting to be read: read once more, then judge.
    const timer = setTimeout(() => setImmediate(onTimeout), target.timeoutMs)
    const onTimeout = () =>
      finish(down(`no ${connected ? 'answer' : 'connection'} within ${duration(target.timeoutMs)}`))

    socket.once('close', () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', onAbort)
      resolve(verdict ?? down(noAnswer))
    })
    socket.on('error', (error) => finish(failed(error)))
    socket.once(socket instanceof TLSSocket ? 'secureConnect' : 'connect', () => {
      connected = true
      if (target.path === null) finish(up)
      else get(target.origin, target.path, socket, (head) => (verdict ??= head), finish)
    })
    signal.addEventListener('abort', onAbort)
    if (signal.aborted) onAbort()
  })

/** Begins to connect. With a name of several addresses Node tries one after the other (RFC 8305), like the workers. */
function open({ origin, tls, proxyProtocol }: ProbeTarget): Socket {
  const begin = (address: TcpNetConnectOpts | IpcNetConnectOpts): Socket => {
    const socket = connect(address)
    // Kept until the connection stands, and sent ahead of everything else.
    if (proxyProtocol !== undefined) socket.write(proxyHeader(proxyProtocol, ''))
    return socket
  }
  const path = socketPath(origin)
  if (path !== null) return begin({ path })
  const { protocol, hostname, port } = new URL(origin)
  const secure = protocol === 'https:'
  const host = unbracketed(hostname)
  const address = { host, port: port === '' ? (secure ? 443 : 80) : Number(port), noDelay: true }
  if (!secure) return begin(address)
  const name = tls?.servername ?? host
  return connectSecurely({
    ...(proxyProtocol === undefined ? address : { host, socket: begin(address) }),
    ...(isIP(name) === 0 ? { servername: name } : undefined),
    ...trustOptions(tls),
  })
}

/**
 * GETs `path` over `socket`. `onHead` gets the verdict as soon as the head has come; then the body is dropped.
 * `finish` is called when there is nothing more to hope for, or more body than anyone needs. Behind a whole answer
 * undici closes the socket itself, since `pipelining: 0` (it sends `Connection: close`) means one request each.
 */
function get(
  origin: string,
  path: string,
  socket: Socket,
  onHead: (verdict: Verdict) => void,
  finish: (verdict: Verdict) => void,
): void {
  const client = new Client(originUrl(origin), {
    // Handed over in a microtask, since undici sends nothing when it is called back at once; and once only: a second
    // call would be a retry on a dead socket.
    connect: (_options, callback) =>
      queueMicrotask(() => {
        if (socket.destroyed) callback(new Error(noAnswer), null)
        else callback(null, socket)
      }),
    pipelining: 0,
    maxHeaderSize: maxHeadBytes,
    // undici's own clocks tick every 499 ms; the check has an exact one.
    headersTimeout: 0,
    bodyTimeout: 0,
  })
  let bodyBytes = 0
  const handler: Dispatcher.DispatchHandler = {
    onRequestStart() {},
    onResponseStart(_controller, status) {
      if (status < 200) return // 103 and the like come ahead of the answer
      onHead(status < 400 ? up : down(`answered ${status}, expected 2xx or 3xx`))
    },
    onResponseData(_controller, chunk) {
      bodyBytes += chunk.length
      if (bodyBytes > maxBodyBytes) finish(up)
    },
    onResponseEnd() {},
    onResponseError(_controller, error) {
      finish(failed(error))
    },
  }
  client.dispatch({ method: 'GET', path, headers: { 'user-agent': userAgent, accept: '*/*' } }, handler)
}

function down(reason: string): Verdict {
  return { healthy: false, reason }
}

function failed(error: unknown): Verdict {
  const reason = reasonOf(error)
  return error instanceof Error && isOwnShortage(error) ? { healthy: null, reason } : down(reason)
}

/** What a person needs in order to act, in one line. Nothing that the endpoint sent is quoted. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  // Every address of a name was tried in vain; the error itself has no text.
  if (error instanceof AggregateError) return error.errors.map(reasonOf).join(', ')
  const code = 'code' in error ? error.code : undefined
  if (code === 'UND_ERR_HEADERS_OVERFLOW')
    return `answered with a head of more than ${maxHeadBytes / 1024} KiB`
  if (code === 'UND_ERR_SOCKET' && error.message.includes('closed')) {
    return noAnswer
  }
  if (code === 'UND_ERR_SOCKET' || error.name === 'HTTPParserError') {
    return `answered something that is not HTTP/1.1: ${error.message}`
  }
  return error.message || error.name
}

function duration(ms: number): string {
  return ms < 1000 ? `${ms} ms` : `${ms / 1000} s`
}
