interface Buffer {
  /** What `toString('latin1')` ends in, without the look-up of the encoding. Public in Node, missing in its types. */
  latin1Slice(start?: number, end?: number): string
}
