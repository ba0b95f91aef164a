/**
 * Text -> 32 bits, the same in every worker and every run: FNV-1a over the characters, and the finalizer of MurmurHash3, since
 * FNV alone leaves the high bits of similar texts similar, and those decide where on the ring a text falls. Not for secrets.
 *
 * @param start @param end the part of the text that is meant, as in `slice`: nothing is cut out for it
 * @returns 0 to 2^32 - 1
 */
export function hashText(text: string, start = 0, end = text.length): number {
  let hash = 0x811c9dc5
  for (let index = start; index < end; index++) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193)
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}
