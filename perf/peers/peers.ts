import { noSuch } from '../../src/usage-error.ts'
import type { Scenario } from '../harness/scenario.ts'
import { caddy } from './caddy.ts'
import { goAsWritten, goKept, goTuned } from './go.ts'
import { haproxy } from './haproxy.ts'
import { nginx, nginxBuffers } from './nginx.ts'
import { fastifyHttpProxy, fastProxy, httpProxy3 } from './node.ts'
import { hasBodies, type Peer } from './peer.ts'

export const peers: readonly Peer[] = [
  nginx,
  nginxBuffers,
  haproxy,
  caddy,
  goAsWritten,
  goTuned,
  goKept,
  httpProxy3,
  fastifyHttpProxy,
  fastProxy,
]

/** @throws {UsageError} for a name that no peer has, with those that there are. */
export function findPeer(name: string): Peer {
  const peer = peers.find((known) => known.name === name)
  if (peer !== undefined) return peer
  throw noSuch(
    'peer',
    name,
    peers.map((known) => known.name),
  )
}

/** Whether a peer can do what a scenario asks for, and is there for that. */
export function canRun(peer: Peer, scenario: Scenario): boolean {
  return (
    scenario.peers &&
    scenario.weir !== null &&
    (peer.balances || scenario.endpoints === 1) &&
    (peer.webSocket || scenario.load.protocol !== 'websocket') &&
    (peer.workers || scenario.workers === 1) &&
    (peer.onlyBodies !== true || hasBodies(scenario))
  )
}

/** Whether what is called so is a peer that opens a connection for most requests. */
export function reconnects(subject: string): boolean {
  return peers.some((peer) => peer.name === subject && peer.reconnects === true)
}

export interface ChosenPeers {
  readonly there: readonly Peer[]
  /** A line for each that is not. */
  readonly skipped: readonly string[]
}

export function choosePeers(names: readonly string[]): ChosenPeers {
  const wanted = names.map(findPeer)
  const skipped = wanted.flatMap((peer) => {
    const why = peer.missing()
    return why === null ? [] : [`skipped: ${peer.name}, ${why}`]
  })
  return { there: wanted.filter((peer) => peer.missing() === null), skipped }
}

/** One line per peer, for `--list`. */
export function describePeers(): string {
  const width = Math.max(...peers.map((peer) => peer.name.length))
  const lines = peers.map((peer) => {
    const why = peer.missing()
    return `  ${peer.name.padEnd(width)}  ${peer.what}${why === null ? '' : `; ${why}`}`
  })
  return ['peers:', ...lines].join('\n')
}
