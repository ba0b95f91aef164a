/**
 * Whether a Unix socket can be bound at a path, asked before a worker does: the binding removes whatever stands there,
 * be it a file of the user's or the socket of another program.
 */
import { accessSync, constants, lstatSync, type Stats } from 'node:fs'
import { connect } from 'node:net'
import { dirname } from 'node:path'
import { limits } from '../config/limits.ts'

/** What connecting to a socket says that nobody listens on: its file is left, or has just gone as well. */
const abandoned: ReadonlySet<string> = new Set(['ECONNREFUSED', 'ENOENT'])

/** @returns why it cannot be, with what to do; null if it can. A socket that nobody listens on any more is no obstacle. */
export async function unixFault(path: string): Promise<string | null> {
  if (Buffer.byteLength(path) > limits.unixPathLength)
    return `the path is longer than ${limits.unixPathLength} bytes`
  let standing: Stats | undefined
  try {
    accessSync(dirname(path), constants.W_OK | constants.X_OK)
    // Throws where a program's file stands in place of the folder: that may be written and executed, too.
    standing = lstatSync(path, { throwIfNoEntry: false })
  } catch (error) {
    return `${dirname(path)} is no folder that may be written (${(error as NodeJS.ErrnoException).code})`
  }
  if (standing === undefined) return null
  if (!standing.isSocket()) return 'something else than a socket stands there; remove it, or change "listen"'
  const code = await connectionFault(path)
  if (code === null) return 'another program listens there; stop it, or change "listen"'
  // A full backlog and a socket of another user's say that somebody may be there (EAGAIN, EACCES).
  if (abandoned.has(code)) return null
  return `another program may listen there (${code}); stop it, remove the socket, or change "listen"`
}

/** The code of what a connection to it fails with; null: it is accepted. */
function connectionFault(path: string): Promise<string | null> {
  return new Promise((resolve) => {
    const socket = connect(path)
    socket.once('connect', () => {
      socket.destroy()
      resolve(null)
    })
    socket.once('error', ({ code, message }: NodeJS.ErrnoException) => resolve(code ?? message))
  })
}
