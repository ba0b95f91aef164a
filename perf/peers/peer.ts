import { spawnSync } from 'node:child_process'
import { which } from '../harness/processes.ts'
import type { ProxyCommand, ProxySetup } from '../harness/proxy.ts'
import type { Scenario } from '../harness/scenario.ts'

/** A proxy that Weir is measured beside: run as one who knows it would, on one core, without an access log. */
export interface Peer {
  readonly name: string
  /** What it is, for `--list`. */
  readonly what: string
  /** It balances over several origins here. */
  readonly balances: boolean
  /** It passes WebSockets on. */
  readonly webSocket: boolean
  /** It makes use of more than one core. */
  readonly workers: boolean
  /** It differs from another peer in what it does with bodies, and runs only where there are some; absent: everywhere. */
  readonly onlyBodies?: boolean
  /**
   * It opens a connection to the origin for most requests. Such a peer has origins of its own: for a minute each of those
   * connections is in the way of the next one to the same place. Absent: it keeps them.
   */
  readonly reconnects?: boolean
  /** Null if it can be started, else why not and what to do about it. */
  readonly missing: () => string | null
  readonly version: () => string
  /** What starts it for a scenario; writes its configuration and builds it if need be. */
  readonly command: (setup: ProxySetup) => ProxyCommand | Promise<ProxyCommand>
}

/** What a buffer of nginx holds by default, a page of memory: what is no longer is read and written in one piece by all. */
const pageBytes = 4096

/** Whether answers or uploads are so long that the size of a proxy's buffers matters. */
export function hasBodies({ origin, load }: Pick<Scenario, 'origin' | 'load'>): boolean {
  return origin.bytes > pageBytes || load.bodyBytes > pageBytes
}

/**
 * Whether a program that Debian has is there, and which it is.
 *
 * @param debian the package
 * @param version what makes the program print its version
 */
export function fromDebian(
  program: string,
  debian: string,
  version: string,
): Pick<Peer, 'missing' | 'version'> {
  return {
    missing: () => (which(program) === null ? `not installed (Debian: apt-get install ${debian})` : null),
    version: () => versionOf(program, version),
  }
}

/** The first thing like a version in what a program prints about itself, on whichever output. */
export function versionOf(program: string, ...args: readonly string[]): string {
  const { stdout, stderr } = spawnSync(program, args, { encoding: 'utf8', timeout: 10_000 })
  return /\d+\.\d+(?:\.\d+)?/.exec(`${stdout}${stderr}`)?.[0] ?? 'unknown'
}
