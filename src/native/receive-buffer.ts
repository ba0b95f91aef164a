/**
 * Bounds what one client can make a worker read at a time.
 *
 * uSockets goes on reading a socket for as long as each read fills its 512 KiB, without a look at whether the socket has
 * been paused meanwhile. A fast client can keep it there: 210 MB came behind one pause, and the worker served nobody
 * else for that long (native-notes/10-unbounded-reads.md). A read cannot be filled if the kernel never holds that much:
 * connections inherit SO_RCVBUF from their listen socket. Neither Node nor the binding sets it, so libc is asked.
 *
 * Linux only, and only where koffi loads (an optional dependency) and /proc is there. Elsewhere the bound is RequestBody's.
 */
import { readdirSync, readlinkSync } from 'node:fs'
import { createRequire } from 'node:module'

/**
 * Linux doubles it for its own bookkeeping, which comes to the 512 KiB that must not be filled. A connection has some
 * 256 KiB under way at most: 5 MB/s at a round trip of 50 ms.
 */
export const receiveBufferBytes = 262_144

const SOL_SOCKET = 1
const SO_RCVBUF = 8

type SetSockOpt = (fd: number, level: number, name: number, value: number[], length: number) => number

/** undefined: not tried yet; null: not to be had on this machine. */
let setsockopt: SetSockOpt | null | undefined

/**
 * Runs `listen`, and gives the socket that it opens a small receive buffer before the event loop turns.
 * @returns whether the buffer is bounded now
 */
export function withSmallReceiveBuffer(listen: () => void): boolean {
  if (process.platform !== 'linux') {
    listen()
    return false
  }
  setsockopt ??= load()
  const before = setsockopt === null ? null : sockets()
  listen()
  if (setsockopt === null || before === null) return false
  const known = new Set(before.values())
  let done = false
  for (const [fd, inode] of sockets() ?? []) {
    if (!known.has(inode)) done = setsockopt(fd, SOL_SOCKET, SO_RCVBUF, [receiveBufferBytes], 4) === 0
  }
  return done
}

function load(): SetSockOpt | null {
  try {
    const koffi = createRequire(import.meta.url)('koffi') as typeof import('koffi')
    const signature = 'int setsockopt(int fd, int level, int name, const int *value, uint32_t length)'
    return koffi.load(null).func(signature) as unknown as SetSockOpt
  } catch {
    return null
  }
}

/** This process's open sockets: descriptor -> `socket:[inode]`, which tells a reused descriptor from the same one. null: not to be had. */
function sockets(): Map<number, string> | null {
  const found = new Map<number, string>()
  let descriptors: string[]
  try {
    descriptors = readdirSync('/proc/self/fd')
  } catch {
    return null
  }
  for (const fd of descriptors) {
    try {
      const link = readlinkSync(`/proc/self/fd/${fd}`)
      if (link.startsWith('socket:')) found.set(Number(fd), link)
    } catch {
      // The descriptor of this very listing, closed by now.
    }
  }
  return found
}
