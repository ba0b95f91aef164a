/**
 * Whether a Unix socket can be bound at a path, asked before a worker does: the binding removes whatever stands there,
 * be it a file of the user's or the socket of another program.
 */
import { accessSync, constants, lstatSync } from 'node:fs'
import { connect } from 'node:net'
import { dirname } from 'node:path'

/** Of `sun_path` in Linux, without the closing zero. In bytes. */
const pathBytesMax = 107

/** @returns why it cannot be, with what to do; null if it can. A socket that nobody listens on any more is no obstacle. */
export async function unixFault(path: string): Promise<string | null> {
  if (Buffer.byteLength(path) > pathBytesMax) return `the path is longer than ${pathBytesMax} bytes`
  try {
    accessSync(dirname(path), constants.W_OK | constants.X_OK)
  } catch (error) {
    return `${dirname(path)} is no folder that may be written (${(error as NodeJS.ErrnoException).code})`
  }
  const standing = lstatSync(path, { throwIfNoEntry: false })
  if (standing === undefined) return null
  if (!standing.isSocket()) return 'something else than a socket stands there; remove it, or change "listen"'
  return (await isServed(path)) ? 'another program listens there; stop it, or change "listen"' : null
}

function isServed(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path)
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}
