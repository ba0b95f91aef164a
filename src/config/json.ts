/**
 * JSON (RFC 8259) as `JSON.parse` reads it, and what that throws away: where each value stands, where and how the
 * text is wrong, and which keys stand twice. The user needs all three, and a second `"app"` that silently replaces
 * the first is a fault worth telling.
 */
import { limits } from './limits.ts'
import { LineIndex } from './line-index.ts'
import { type Finding, type Path, placeKey, show } from './problem.ts'

/** A finding and the offset it is about, in UTF-16 units from the start of the text; null: the whole of it. */
export interface PlacedFinding {
  readonly finding: Finding
  readonly offset: number | null
}

export interface ParsedJson {
  readonly value: unknown
  /** Where the key of a member, or an element of an array, begins; by `placeKey(path)`. */
  readonly offsets: ReadonlyMap<string, number>
  /** Keys that stand twice, and `__proto__`, which no object can hold safely. */
  readonly findings: readonly PlacedFinding[]
}

/** The text as a value, or the first fault of its syntax. */
export function parseJson(text: string): ParsedJson | PlacedFinding {
  const reader = new JsonReader(text)
  try {
    return { value: reader.document(), offsets: reader.offsets, findings: reader.findings }
  } catch (error) {
    if (error instanceof SyntaxFault) return error.placed
    throw error
  }
}

class SyntaxFault extends Error {
  readonly placed: PlacedFinding
  constructor(placed: PlacedFinding) {
    super(placed.finding.expected)
    this.placed = placed
  }
}

const number = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y
const word = /[A-Za-z_$][\w$]*/y
const literals: ReadonlyMap<string, unknown> = new Map<string, unknown>([
  ['true', true],
  ['false', false],
  ['null', null],
])

class JsonReader {
  readonly offsets = new Map<string, number>()
  readonly findings: PlacedFinding[] = []
  readonly #text: string
  readonly #lines: LineIndex
  /** The next character to read. */
  #at = 0

  constructor(text: string) {
    this.#text = text
    this.#lines = new LineIndex(text)
  }

  document(): unknown {
    const value = this.#value([])
    this.#skipSpace()
    if (this.#at < this.#text.length) this.#fail('nothing behind the end of the value', null)
    return value
  }

  #value(path: Path): unknown {
    this.#skipSpace()
    if (path.length > limits.nesting) this.#fail(`at most ${limits.nesting} levels of nesting`, null)
    const first = this.#text[this.#at]
    if (first === '{') return this.#object(path)
    if (first === '[') return this.#array(path)
    if (first === '"') return this.#string()
    const digits = this.#match(number)
    if (digits !== null) return Number(digits)
    const start = this.#at
    const bare = this.#match(word)
    if (bare !== null && literals.has(bare)) return literals.get(bare)
    this.#at = start
    this.#fail('a value', bare === null ? null : 'text stands in double quotes')
  }

  #object(path: Path): Record<string, unknown> {
    const object: Record<string, unknown> = {}
    const firsts = new Map<string, number>()
    this.#at++
    if (this.#take('}')) return object
    do {
      this.#skipSpace()
      const offset = this.#at
      if (this.#text[offset] !== '"') this.#fail('a key in double quotes', this.#commaHint('}'))
      const key = this.#string()
      const place = [...path, key]
      this.#checkKey(place, key, offset, firsts)
      this.offsets.set(placeKey(place), offset)
      if (!this.#take(':')) this.#fail('":" and a value', null)
      const value = this.#value(place)
      if (key !== '__proto__') object[key] = value
    } while (this.#take(','))
    if (!this.#take('}')) this.#fail('"," or "}"', this.#missingCommaHint())
    return object
  }

  #array(path: Path): unknown[] {
    const array: unknown[] = []
    this.#at++
    if (this.#take(']')) return array
    do {
      this.#skipSpace()
      if (this.#text[this.#at] === ']') this.#fail('a value', this.#commaHint(']'))
      const place = [...path, array.length]
      this.offsets.set(placeKey(place), this.#at)
      array.push(this.#value(place))
    } while (this.#take(','))
    if (!this.#take(']')) this.#fail('"," or "]"', this.#missingCommaHint())
    return array
  }

  /** Finds the closing quote; what stands between is left to JSON.parse, once nothing in it can be at fault. */
  #string(): string {
    const start = this.#at++
    for (;;) {
      const character = this.#text[this.#at]
      if (character === undefined) this.#fail('a closing double quote', null)
      if (character < ' ')
        this.#fail('a closing double quote', 'a line break in a text is written \\n, a tab \\t')
      if (character === '"') break
      if (character === '\\') this.#escape()
      else this.#at++
    }
    this.#at++
    return JSON.parse(this.#text.slice(start, this.#at)) as string
  }

  #escape(): void {
    const escaped = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y
    if (this.#match(escaped) === null)
      this.#fail('an escape such as \\n, \\" or \\u00e9', 'a backslash is written \\\\')
  }

  #checkKey(path: Path, key: string, offset: number, firsts: Map<string, number>): void {
    const first = firsts.get(key)
    if (first === undefined) {
      firsts.set(key, offset)
    } else {
      const found = `a second ${show(key)}; the first is on line ${this.#lines.at(first).line}`
      this.findings.push({ finding: { path, expected: 'each key once', found, hint: null }, offset })
    }
    if (key === '__proto__') {
      const finding = {
        path,
        expected: 'another name',
        found: show(key),
        hint: 'JavaScript reserves this one',
      }
      this.findings.push({ finding, offset })
    }
  }

  #skipSpace(): void {
    this.#match(/[ \t\n\r]*/y)
  }

  #take(character: string): boolean {
    this.#skipSpace()
    if (this.#text[this.#at] !== character) return false
    this.#at++
    return true
  }

  #match(sticky: RegExp): string | null {
    sticky.lastIndex = this.#at
    const found = sticky.exec(this.#text)?.[0] ?? null
    if (found !== null) this.#at += found.length
    return found
  }

  #commaHint(closing: string): string | null {
    if (this.#text[this.#at] === closing) return `remove the comma before the ${JSON.stringify(closing)}`
    return /[\w$]/.test(this.#text[this.#at] ?? '') ? 'write the key in double quotes' : null
  }

  #missingCommaHint(): string | null {
    return this.#text[this.#at] === '"' ? 'a comma is missing before it' : null
  }

  #fail(expected: string, hint: string | null): never {
    const { line, column } = this.#lines.at(this.#at)
    const rest = /^.[^\s,:[\]{}"]{0,19}/su.exec(this.#text.slice(this.#at, this.#at + 24))?.[0]
    const what = rest === undefined ? 'the end of the file' : show(rest)
    const found = `${what} at line ${line}, column ${column}`
    const finding = {
      path: [],
      expected: `valid JSON: ${expected}`,
      found,
      hint: hint ?? syntaxHint(rest ?? ''),
    }
    throw new SyntaxFault({ finding, offset: this.#at })
  }
}

function syntaxHint(rest: string): string | null {
  if (rest.startsWith('/') || rest.startsWith('#')) return 'JSON has no comments'
  if (rest.startsWith("'")) return 'texts and keys stand in double quotes'
  return null
}
