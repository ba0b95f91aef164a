const line = 'The quick brown fox jumps over the lazy dog.\n'

/** Text of so many bytes, always the same: what origins answer, uploads carry and checks compare with. */
export function payload(bytes: number): string {
  return line.repeat(Math.ceil(bytes / line.length)).slice(0, bytes)
}
