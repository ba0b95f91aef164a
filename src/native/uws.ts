/**
 * Which uWebSockets.js binding runs on this machine, and why.
 *
 * uWebSockets.js is not on npm under its own name; `@uwsjs/core` republishes it. Two versions are installed side by
 * side as npm aliases, since no single one loads everywhere:
 *
 *     20.69.0   Node 22, 24, 26   glibc 2.38 or later
 *     20.51.4   Node 22           glibc 2.27 or later
 *
 * The newest that loads is taken. They behave differently (native-notes/), so what depends on the version is a named
 * property of `Binding` and decided here, once.
 */
import { createRequire } from 'node:module'
import type * as uWebSockets from 'uws-20.69'

export type Uws = typeof uWebSockets
export type { HttpRequest, HttpResponse, TemplatedApp, us_listen_socket } from 'uws-20.69'

/**
 * Text that goes to the binding with each request: of an ArrayBuffer it reads the bytes where they lie, of a string it makes a
 * copy in UTF-8 first.
 */
export function bytesOf(text: string): ArrayBuffer {
  return new TextEncoder().encode(text).buffer
}

/** The limits that the binding sets and Weir can only choose or know. */
export const nativeLimits = {
  /**
   * Request line and headers together, in bytes. Also what one slow client can make a connection hold. Above Weir's own limits, for the
   * binding answers what exceeds it with 431, whatever it is, and a target that is too long must get 414 (RFC 9112, section 3).
   */
  headBytes: 40_960,
  /** Compiled into the binding: the 99th header is refused with 431. */
  headerCount: 98,
} as const

export interface Binding {
  readonly uws: Uws
  readonly version: string
  /**
   * The most bytes that one `write()` may carry when it stands in a cork behind other bytes. 20.51.4 loses a larger
   * one when the kernel's send buffer is full (native-notes/01-lost-writes.md).
   */
  readonly writeBytes: number
  /** 20.51.4 may close a WebSocket that was upgraded inside a cork (native-notes/15-websockets.md). */
  readonly upgradesInCork: boolean
  /** It tells a peer's port, by which connections can be told apart (native-notes/22-connections-without-names.md). */
  readonly namesConnections: boolean
  /** Newer bindings that were tried first and did not load, with the reason. */
  readonly refused: readonly { readonly version: string; readonly reason: string }[]
}

const candidates = [
  {
    version: '20.69.0',
    alias: 'uws-20.69',
    writeBytes: 65_536,
    upgradesInCork: true,
    namesConnections: true,
  },
  {
    version: '20.51.4',
    alias: 'uws-20.51',
    writeBytes: 16_000,
    upgradesInCork: false,
    namesConnections: false,
  },
] as const

/**
 * The newest binding that loads here.
 * @throws {Error} one message that names the Node version, platform and glibc, each failure, and what to do.
 */
export function loadBinding(require: (alias: string) => unknown = createRequire(import.meta.url)): Binding {
  // Read once, when the binary is mapped into the process; the default of 4,096 refuses ordinary cookies.
  process.env.UWS_HTTP_MAX_HEADERS_SIZE ??= String(nativeLimits.headBytes)
  const refused: { version: string; reason: string }[] = []
  for (const { version, alias, ...facts } of candidates) {
    try {
      const uws = require(alias) as Uws
      // Hides the `uWebSockets: 20` response header. Not in the types; a no-op where it is unknown.
      ;(uws as unknown as { _cfg?: (key: string) => void })._cfg?.('silent')
      return { uws, version, ...facts, refused }
    } catch (error) {
      refused.push({ version, reason: lastLine(error) })
    }
  }
  throw new Error(cannotLoad(refused))
}

/** The binding wraps the loader's message in a paragraph of its own; the loader's line is the one that says why. */
function lastLine(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error)
  const lines = text
    .split('\n')
    .filter((line) => line.trim() !== '' && !line.startsWith('Require stack') && !line.startsWith('- '))
  return lines.at(-1)?.trim() ?? text
}

function cannotLoad(refused: readonly { version: string; reason: string }[]): string {
  return [
    `no uWebSockets.js binding loads on this machine: Node ${process.version}, ${process.platform} ${process.arch}, ${libc()}`,
    ...refused.map(({ version, reason }) => `  ${version}: ${reason}`),
    'what to do:',
    '  - run Node 22.19 or later (22 works with glibc 2.27 and later; 24 and 26 need glibc 2.38: Debian 13, Ubuntu 24.04)',
    '  - run `npm install` again under that very Node: npm picks the binary by the Node it runs under',
    '  - elsewhere, install the official build: npm install uNetworking/uWebSockets.js#v20.69.0, as the alias uws-20.69',
  ].join('\n')
}

/** `glibc 2.36`, or `no glibc` where Node was built against another C library (musl, macOS, Windows). */
function libc(): string {
  const report = process.report as NodeJS.ProcessReport & { excludeNetwork?: boolean }
  report.excludeNetwork = true // resolving every interface's name can take seconds
  const { header } = report.getReport() as unknown as { header: { glibcVersionRuntime?: string } }
  return header.glibcVersionRuntime ? `glibc ${header.glibcVersionRuntime}` : 'no glibc'
}
