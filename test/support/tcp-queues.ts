/** What the kernel holds for TCP connections (Linux, proc(5): /proc/net/tcp; IPv4 only). */
import { readFileSync } from 'node:fs'

const established = '01'

/**
 * Bytes that have been handed to the kernel on connections to or from these local ports, at both ends of each, and not been read
 * by the other end yet.
 */
export function queuedBytes(ports: readonly number[]): number {
  let sum = 0
  for (const line of readFileSync('/proc/net/tcp', 'utf8').trim().split('\n').slice(1)) {
    const [, local, remote, state, queues] = line.trim().split(/\s+/) as string[]
    if (state !== established) continue
    if (!ports.includes(portOf(local!)) && !ports.includes(portOf(remote!))) continue
    for (const queue of queues!.split(':')) sum += Number.parseInt(queue, 16)
  }
  return sum
}

/** Of an address such as `0100007F:1F90`. */
function portOf(address: string): number {
  return Number.parseInt(address.split(':')[1]!, 16)
}
