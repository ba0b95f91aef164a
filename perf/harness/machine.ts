import { readFileSync } from 'node:fs'
import { availableParallelism, cpus, platform, release } from 'node:os'
import { loadBinding } from '../../src/native/uws.ts'

/** What a figure is worthless without. Nothing here tells whose machine it is. */
export interface Machine {
  readonly cpu: string
  readonly cores: number
  readonly node: string
  /** Version of the uWebSockets.js binding that loads. */
  readonly binding: string
  readonly kernel: string
  /**
   * Of TCP, over the loopback too: some pace what is sent with timers, which long bodies feel. Absent where there is no /proc, and in
   * older results.
   */
  readonly congestionControl?: string
}

export function thisMachine(): Machine {
  const congestionControl = setting('net/ipv4/tcp_congestion_control')
  return {
    cpu: cpus()[0]?.model.trim() || 'unknown',
    cores: availableParallelism(),
    node: process.version,
    binding: loadBinding().version,
    kernel: `${platform()} ${release()}`,
    ...(congestionControl === null ? {} : { congestionControl }),
  }
}

/** What sysctl(8) would print; null where there is no such thing. */
function setting(path: string): string | null {
  try {
    return readFileSync(`/proc/sys/${path}`, 'utf8').trim()
  } catch {
    return null
  }
}

/** What Linux has unless it is told otherwise, and is not worth a word. */
const usualCongestionControl = 'cubic'

export function describeMachine(machine: Machine): string {
  const { cpu, cores, node, binding, kernel, congestionControl = usualCongestionControl } = machine
  const tcp = congestionControl === usualCongestionControl ? '' : `, TCP with ${congestionControl}`
  return `${cpu}, ${cores} ${cores === 1 ? 'core' : 'cores'}; Node ${node}; uWebSockets.js ${binding}; ${kernel}${tcp}`
}
