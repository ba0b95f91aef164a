/** Bytes of Buffers that a process asks for. They lie outside of V8's heap, where the heap's sizes do not show them. */
import { Buffer } from 'node:buffer'
import { isAnyArrayBuffer } from 'node:util/types'

type Make = (value: unknown, second: unknown, third: unknown) => Buffer

/** Where all of them are made that JavaScript makes; what native code makes (a socket's reading) is not among them. */
const makers = ['alloc', 'allocUnsafe', 'allocUnsafeSlow', 'from'] as const

/**
 * Counts from now on. Costs a call per Buffer, so it has no place in a timed turn.
 *
 * @returns ends it, and returns the bytes: of small ones, too, which Node cuts from a larger one
 */
export function countBufferBytes(): () => number {
  let bytes = 0
  /** Some are made of others. */
  let inner = false
  const buffer = Buffer as unknown as Record<string, Make>
  const originals = makers.map((name) => [name, buffer[name]!] as const)
  for (const [name, original] of originals) {
    // No rest parameters: the array of each call would be on the heap that is looked at meanwhile.
    buffer[name] = (value, second, third) => {
      if (inner) return original.call(Buffer, value, second, third)
      inner = true
      try {
        const made = original.call(Buffer, value, second, third)
        // Else it is a view of memory that somebody else has made.
        if (name !== 'from' || !isAnyArrayBuffer(value)) bytes += made.byteLength
        return made
      } finally {
        inner = false
      }
    }
  }
  return () => {
    for (const [name, original] of originals) buffer[name] = original
    return bytes
  }
}
