/**
 * Whether a listener can be bound, asked of the kernel before any worker tries. The workers share their ports
 * (SO_REUSEPORT), so to them a port that another program shares in the same way would look free, and the binding says
 * only that it failed, not why.
 */
import { createServer } from 'node:net'
import type { ListenerPlan } from '../plan/listener-plan.ts'
import { unixFault } from './unix-check.ts'

export class BindError extends Error {}

/**
 * Binds the listener for a moment.
 * @param ours the workers have this port at another address, or had it until now: their sockets are no obstacle
 * @returns the listener with a real port in place of 0
 * @throws {BindError} says which listener, why, and what to do
 */
export async function checkBind(listener: ListenerPlan, ours = false): Promise<ListenerPlan> {
  if (listener.unix !== undefined) {
    // What is none of the faults that it knows is thrown: a file in the place of a folder, say.
    const fault = await unixFault(listener.unix.path).catch((error: Error) => error.message)
    if (fault !== null) throw new BindError(`cannot listen on ${listener.host}: ${fault}`)
    return listener
  }
  const { host, port } = listener
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', (error: NodeJS.ErrnoException) =>
      reject(new BindError(explainBind(host, port, error, 'listen'))),
    )
    server.listen({ host, port, exclusive: true, reusePort: ours }, () => {
      const address = server.address()
      const bound = address !== null && typeof address === 'object' ? address.port : port
      server.close(() => resolve({ ...listener, port: bound }))
    })
  })
}

/** @param key where the configuration says so */
export function explainBind(
  host: string,
  port: number,
  error: NodeJS.ErrnoException,
  key: 'listen' | 'metrics',
): string {
  const where = `cannot listen on ${host.includes(':') ? `[${host}]` : host}:${port}`
  switch (error.code) {
    case 'EADDRINUSE':
      return `${where}: the port is taken (EADDRINUSE); stop what holds it, or change "${key}" in the configuration`
    case 'EACCES':
      return `${where}: not permitted (EACCES); ports below 1024 need root or CAP_NET_BIND_SERVICE`
    case 'EADDRNOTAVAIL':
      return `${where}: this machine has no such address (EADDRNOTAVAIL); "0.0.0.0" listens on all`
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `${where}: the name does not resolve (${error.code})`
    default:
      return `${where}: ${error.message}`
  }
}
