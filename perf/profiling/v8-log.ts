/**
 * Machine code that V8 made, from the log that `node --log-code --log-source-position` writes: which function lies where,
 * and which functions an optimised one contains at each of its addresses.
 *
 * That is the point of reading it. Whatever is called often is compiled into its callers, whatever file it is from, and
 * perf's map of names (`--perf-basic-prof`) calls all of that by the name of the outermost. perf's other format
 * (`--perf-prof`) is no better: on Node 22 its entries have the lines of the inner function and the file of the outer.
 *
 *     code-creation,JS,<kind>,<time>,<address>,<bytes>,<name file:line:column>,<function>,<~ ^ *>
 *     code-source-info,<address>,<script>,<start>,<end>,<positions>,<inlinings>,<functions>
 *
 *     positions    C<offset in the code>O<offset in the script>[I<inlining>], ascending
 *     inlinings    F<index of a function>O<offset in the script>[I<inlining that it lies in>]
 *     functions    S<function>, by which their own code-creation names them
 */

interface Code {
  readonly start: number
  readonly end: number
  readonly name: string
}

interface Positions {
  readonly offsets: readonly number[]
  /** Index of an inlining; -1: the function itself. */
  readonly inlinings: readonly number[]
  /** Innermost first, for each inlining. */
  readonly chains: readonly (readonly string[])[]
}

/** The end of `<address>` and of other hexadecimal numbers is found by the fields: no name has a plain comma. */
const hex = (text: string) => Number.parseInt(text, 16)

export class JitCode {
  /** By start address, ascending; without overlaps. */
  readonly #codes: readonly Code[]
  /** Of the code at an address, still as text: read when first asked for. */
  readonly #infos: ReadonlyMap<number, string>
  readonly #functions: ReadonlyMap<string, string>
  readonly #positions = new Map<number, Positions | null>()

  private constructor(
    codes: readonly Code[],
    infos: ReadonlyMap<number, string>,
    functions: ReadonlyMap<string, string>,
  ) {
    this.#codes = codes
    this.#infos = infos
    this.#functions = functions
  }

  /** From the lines of a log; what else stands in it is passed over, and so is a last line that was cut short. */
  static read(lines: Iterable<string>): JitCode {
    const codes: Code[] = []
    const infos = new Map<number, string>()
    const functions = new Map<string, string>()
    for (const line of lines) {
      if (line.startsWith('code-creation,')) {
        const fields = line.split(',')
        const start = hex(fields[4] ?? '')
        const bytes = Number(fields[5])
        const name = (fields[6] ?? '').replaceAll('\\x2C', ',')
        if (Number.isNaN(start) || Number.isNaN(bytes)) continue
        if (fields[7] !== undefined) functions.set(fields[7], name)
        codes.push({ start, end: start + bytes, name })
        // Positions that an earlier function had at this address are not those of this one.
        infos.delete(start)
      } else if (line.startsWith('code-source-info,')) {
        infos.set(hex(line.slice(17, line.indexOf(',', 17))), line)
      }
    }
    return new JitCode(latest(codes), infos, functions)
  }

  /** The functions at an address, innermost first; empty where there is no code. */
  find(address: number): readonly string[] {
    const code = this.#codes[lastAtMost(this.#codes, address, (one) => one.start)]
    if (code === undefined || address >= code.end) return []
    const positions = this.#positionsOf(code.start)
    if (positions === null) return [code.name]
    // A return address stands behind its call.
    const at = lastAtMost(positions.offsets, address - code.start, (offset) => offset)
    const chain = positions.chains[positions.inlinings[at] ?? -1] ?? []
    return [...chain, code.name]
  }

  #positionsOf(start: number): Positions | null {
    const known = this.#positions.get(start)
    if (known !== undefined) return known
    const info = this.#infos.get(start)
    const positions = info === undefined ? null : readPositions(info, this.#functions)
    this.#positions.set(start, positions)
    return positions
  }
}

function readPositions(line: string, functions: ReadonlyMap<string, string>): Positions {
  const [, , , , , places = '', inlined = '', called = ''] = line.split(',')
  const offsets: number[] = []
  const inlinings: number[] = []
  for (const [, offset, inlining] of places.matchAll(/C(\d+)O-?\d+(?:I(\d+))?/g)) {
    offsets.push(Number(offset))
    inlinings.push(inlining === undefined ? -1 : Number(inlining))
  }
  const names = called.split('S').slice(1)
  const table = [...inlined.matchAll(/F(\d+)O-?\d+(?:I(\d+))?/g)].map(([, index, parent]) => ({
    name: functions.get(names[Number(index)] ?? '') ?? 'inlined, unknown',
    parent: parent === undefined ? -1 : Number(parent),
  }))
  const chains = table.map((_, index) => {
    const chain: string[] = []
    // A table that names itself in a circle would be a defect: no longer than it has entries.
    for (let at = index; table[at] !== undefined && chain.length < table.length; at = table[at]!.parent)
      chain.push(table[at]!.name)
    return chain
  })
  return { offsets, inlinings, chains }
}

/** Addresses are used again when code is thrown away: what came last is there while it is hot. */
function latest(codes: readonly Code[]): readonly Code[] {
  const inOrder = codes.map((code, order) => ({ code, order }))
  inOrder.sort((a, b) => a.code.start - b.code.start || a.order - b.order)
  const kept: { readonly code: Code; readonly order: number }[] = []
  for (const one of inOrder) {
    let last = kept.at(-1)
    while (last !== undefined && last.code.end > one.code.start && last.order < one.order) {
      kept.pop()
      last = kept.at(-1)
    }
    if (last === undefined || last.code.end <= one.code.start) kept.push(one)
  }
  return kept.map((one) => one.code)
}

/** Index of the last element whose key is not above a value; -1 for none. */
function lastAtMost<T>(list: readonly T[], value: number, key: (element: T) => number): number {
  let low = 0
  let high = list.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (key(list[middle]!) <= value) low = middle + 1
    else high = middle
  }
  return low - 1
}
