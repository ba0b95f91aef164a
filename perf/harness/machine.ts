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
}

export function thisMachine(): Machine {
  return {
    cpu: cpus()[0]?.model.trim() || 'unknown',
    cores: availableParallelism(),
    node: process.version,
    binding: loadBinding().version,
    kernel: `${platform()} ${release()}`,
  }
}

export function describeMachine(machine: Machine): string {
  const { cpu, cores, node, binding, kernel } = machine
  return `${cpu}, ${cores} ${cores === 1 ? 'core' : 'cores'}; Node ${node}; uWebSockets.js ${binding}; ${kernel}`
}
