/**
 * Node's own handle of a TCP or Unix socket, for writing a head past the Writable in front of it: a string that the kernel
 * takes at once, as it nearly always does, needs no request object, no callback and no state. And for reading past the socket's own
 * account of what it has read and when. Node offers no public way.
 *
 * `process.binding` is deprecated without a replacement (DEP0111): where it is gone, or a handle looks otherwise, there is
 * no handle here and the socket's own `write` and `onread` do.
 */
import type { Socket } from 'node:net'
import { getSystemErrorName } from 'node:util'

export interface Handle {
  /** Whether it is read; Node's socket keeps it, and goes by it when it is resumed. */
  reading: boolean
  /** Called with what it has read; how much that is stands in `streamBaseState`. */
  onread: (this: Handle, bytes: unknown) => void
  readStop(): number
  /** @returns 0, or a negative error number. `request` is taken only if not everything could be written at once. */
  writeLatin1String(request: WriteRequest, data: string): number
  writeBuffer(request: WriteRequest, data: Uint8Array): number
  /** @param chunks pairs of data and its encoding, unless all of them are bytes */
  writev(request: WriteRequest, chunks: readonly unknown[], allBytes: boolean): number
}

interface WriteRequest {
  handle: Handle
  async: boolean
  oncomplete: (status: number) => void
  /** What is still to be written: it has to live as long as the request. */
  bytes?: Uint8Array
}

/** What calls of a handle leave behind, each at its own place. */
interface StreamBinding {
  readonly WriteWrap: new () => WriteRequest
  readonly streamBaseState: Int32Array
  /** Bytes, or a negative error number; 0 for neither. */
  readonly kReadBytesOrError: number
  /** 1: not everything could be written at once. */
  readonly kLastWriteWasAsync: number
}

const binding = streamBinding()

/** null: it has none that can be used. */
export function handleOf(socket: Socket): Handle | null {
  const handle = (socket as unknown as { _handle?: Partial<Handle> })._handle
  const usable =
    binding !== null &&
    typeof handle?.writeLatin1String === 'function' &&
    typeof handle.writeBuffer === 'function' &&
    typeof handle.writev === 'function' &&
    typeof handle.onread === 'function' &&
    typeof handle.readStop === 'function'
  return usable ? (handle as Handle) : null
}

/**
 * Has the bytes that a socket with an `onread` buffer reads reported to `take`, in place of that option's callback. Ends and errors
 * go to Node's socket as ever.
 * @param take how many bytes are in the buffer. @returns false: read no more until the socket is resumed
 */
export function takeReads(handle: Handle, take: (bytes: number) => boolean): void {
  const { streamBaseState, kReadBytesOrError } = binding as StreamBinding
  const { onread } = handle
  handle.onread = function (bytes) {
    const count = streamBaseState[kReadBytesOrError] as number
    if (count <= 0) return onread.call(this, bytes)
    if (take(count)) return
    this.reading = false
    this.readStop()
  }
}

/** Not used yet by a write that is under way. */
let spare: WriteRequest | null = null

/**
 * Writes one byte per character. What the kernel does not take at once is written later, in order with what follows.
 * @param onError called at once or later, if the connection is gone
 */
export function writeLatin1(handle: Handle, data: string, onError: (error: Error) => void): void {
  const request = requestFor(handle)
  const status = handle.writeLatin1String(request, data)
  if (status !== 0) return onError(writeError(status))
  if (!wasAsync()) return
  goesOn(request, (later) => {
    if (later !== 0) onError(writeError(later))
  })
}

/** A head and a piece of a body, for `writev`, which reads it before it returns. */
const headAndPiece: unknown[] = ['', 'latin1', null, 'buffer']

/**
 * Writes a head, one byte per character, and bytes behind it, in one call.
 * @param head may be empty
 * @param onWritten called once with null when the kernel has taken all of it, or with the error if the connection is gone; until then
 *   the bytes must stay as they are
 * @returns whether it has been called
 */
export function writeWithHead(
  handle: Handle,
  head: string,
  bytes: Uint8Array,
  onWritten: (error: Error | null) => void,
): boolean {
  const request = requestFor(handle)
  headAndPiece[0] = head
  headAndPiece[2] = bytes
  const status =
    head === '' ? handle.writeBuffer(request, bytes) : handle.writev(request, headAndPiece, false)
  headAndPiece[2] = null
  if (status === 0 && wasAsync()) {
    request.bytes = bytes
    goesOn(request, (later) => onWritten(later === 0 ? null : writeError(later)))
    return false
  }
  onWritten(status === 0 ? null : writeError(status))
  return true
}

function requestFor(handle: Handle): WriteRequest {
  spare ??= new (binding as StreamBinding).WriteWrap()
  spare.handle = handle
  spare.oncomplete = ignore
  return spare
}

/** Of the last write: the kernel did not take all of it. */
function wasAsync(): boolean {
  const { streamBaseState, kLastWriteWasAsync } = binding as StreamBinding
  return streamBaseState[kLastWriteWasAsync] !== 0
}

/** The request belongs to a write that is under way. */
function goesOn(request: WriteRequest, onComplete: (status: number) => void): void {
  spare = null
  request.async = true
  request.oncomplete = onComplete
}

function ignore(): void {}

function writeError(status: number): Error {
  const code = getSystemErrorName(status)
  return Object.assign(new Error(`write ${code}`), { code, errno: status, syscall: 'write' })
}

function streamBinding(): StreamBinding | null {
  try {
    const { binding } = process as unknown as { binding(name: string): Partial<StreamBinding> }
    const found = binding('stream_wrap')
    const usable =
      typeof found.WriteWrap === 'function' &&
      found.streamBaseState instanceof Int32Array &&
      typeof found.kReadBytesOrError === 'number' &&
      typeof found.kLastWriteWasAsync === 'number'
    return usable ? (found as StreamBinding) : null
  } catch {
    return null
  }
}
