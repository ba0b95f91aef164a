/** Both from 1; columns in UTF-16 units, as editors count them. */
export interface Position {
  readonly line: number
  readonly column: number
}

/** Finds lines by binary search, since a file full of faults asks for thousands of them. */
export class LineIndex {
  /** Offset of the first character of each line. */
  readonly #starts: number[] = [0]

  constructor(text: string) {
    for (let end = text.indexOf('\n'); end !== -1; end = text.indexOf('\n', end + 1))
      this.#starts.push(end + 1)
  }

  at(offset: number): Position {
    let low = 0
    let high = this.#starts.length
    // The line is at `low` or behind it, and before `high`.
    while (high - low > 1) {
      const middle = (low + high) >>> 1
      if ((this.#starts[middle] ?? 0) <= offset) low = middle
      else high = middle
    }
    return { line: low + 1, column: offset - (this.#starts[low] ?? 0) + 1 }
  }
}
