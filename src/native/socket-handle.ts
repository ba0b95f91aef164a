/**
 * Node's own handle of a TCP or Unix socket, for writing a head past the Writable in front of it: a string that the kernel
 * takes at once, as it nearly always does, needs no request object, no callback and no state. Node offers no public way.
 *
 * `process.binding` is deprecated without a replacement (DEP0111): where it is gone, or a handle looks otherwise, there is
 * no handle here and the socket's own `write` does.
 */
import type { Socket } from 'node:net'
import { getSystemErrorName } from 'node:util'

export interface Handle {
  /** Bytes that the kernel has not taken yet. */
  readonly writeQueueSize: number
  /** @returns 0, or a negative error number. `request` is taken only if not everything could be written at once. */
  writeLatin1String(request: WriteRequest, data: string): number
}

interface WriteRequest {
  handle: Handle
  async: boolean
  oncomplete: (status: number) => void
}

const WriteWrap = writeWrap()

/** null: it has none that can be used. */
export function handleOf(socket: Socket): Handle | null {
  const handle = (socket as unknown as { _handle?: Partial<Handle> })._handle
  const usable =
    WriteWrap !== null &&
    typeof handle?.writeLatin1String === 'function' &&
    typeof handle.writeQueueSize === 'number'
  return usable ? (handle as Handle) : null
}

/** Not used yet by a write that is under way. */
let spare: WriteRequest | null = null

/**
 * Writes one byte per character. What the kernel does not take at once is written later, in order with what follows.
 * @param onError called at once or later, if the connection is gone
 */
export function writeLatin1(handle: Handle, data: string, onError: (error: Error) => void): void {
  const request = spare ?? new (WriteWrap as new () => WriteRequest)()
  spare = request
  request.handle = handle
  request.oncomplete = ignore
  const status = handle.writeLatin1String(request, data)
  if (status !== 0) return onError(writeError(status))
  if (handle.writeQueueSize === 0) return
  spare = null
  request.async = true
  request.oncomplete = (later) => {
    if (later !== 0) onError(writeError(later))
  }
}

function ignore(): void {}

function writeError(status: number): Error {
  const code = getSystemErrorName(status)
  return Object.assign(new Error(`write ${code}`), { code, errno: status, syscall: 'write' })
}

function writeWrap(): (new () => WriteRequest) | null {
  try {
    const { binding } = process as unknown as {
      binding(name: string): { WriteWrap?: new () => WriteRequest }
    }
    return binding('stream_wrap').WriteWrap ?? null
  } catch {
    return null
  }
}
