/** A client's socket that the kernel keeps little for: what the client does not read soon stays with the proxy. */
import { createRequire } from 'node:module'
import type { Socket } from 'node:net'

const SOL_SOCKET = 1
const SO_RCVBUF = 8

type SetSockOpt = (fd: number, level: number, name: number, value: number[], length: number) => number

/** Sets SO_RCVBUF of a connected socket. False where koffi, an optional dependency, does not load. */
export function setReceiveBuffer(socket: Socket, bytes: number): boolean {
  // Node has no way to set it, and none but this to tell the descriptor.
  const { fd } = (socket as unknown as { readonly _handle: { readonly fd: number } })._handle
  let setsockopt: SetSockOpt
  try {
    const koffi = createRequire(import.meta.url)('koffi') as typeof import('koffi')
    const signature = 'int setsockopt(int fd, int level, int name, const int *value, uint32_t length)'
    setsockopt = koffi.load(null).func(signature) as unknown as SetSockOpt
  } catch {
    return false
  }
  return setsockopt(fd, SOL_SOCKET, SO_RCVBUF, [bytes], 4) === 0
}
