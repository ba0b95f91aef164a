/**
 * Header fields of requests as they came lately. One client sends the same with each of its requests, and many send what others like them
 * do: comparing a field with the last one of its name, or with the one that stood in its place, takes a fraction of looking at its characters,
 * and fields that are all the same go to undici, which puts a head together line by line, as one line.
 *
 * What is kept may be a client's Cookie or Authorization, in this worker's memory until another field takes its place, which in quiet traffic
 * may be long: to leave them out adds a sixth to a browser's request, which has its cookies with each. How long a comparison takes tells how much
 * of a field is right, to a client that can see some nanoseconds across a network. It has few tries: each guess that fails is a miss, of which one
 * in 1,024 on average, nobody can tell which, takes the place of what it is compared with (curiosity.ts).
 */
import { Curiosity } from './curiosity.ts'
import { type FieldName, fieldName, fieldNames } from './field-names.ts'

/** Where no value is known: no text that was UTF-8 has half a pair of surrogates. Text all the same, since that is compared faster with its like. */
const noValue = '\ud800'

/** Single fields of the names that are found (field-names.ts), wherever they stand: browsers differ in what they send in front. */
export class KnownValues {
  /** By the index of the name. */
  readonly #values: string[] = Array.from(fieldNames, () => noValue)
  /** One for each name: a field that is always the same is no reason to remember another one, which never is. */
  readonly #curiosities: readonly Curiosity[]

  constructor(makeCuriosity = () => new Curiosity()) {
    this.#curiosities = Array.from(fieldNames, makeCuriosity)
  }

  /**
   * Adds a field whose value was found fit to be passed on before.
   * @param fields name and value alternately
   * @returns false: it is not known, and not added
   */
  addIfKnown(fields: string[], { index, text }: FieldName, value: string): boolean {
    const known = this.#values[index] as string
    if (known !== value) return false
    const curiosity = this.#curiosities[index] as Curiosity
    curiosity.recognised()
    // The text that is known, not the one that is like it: the next comparison ends at its address.
    fields.push(text, known)
    return true
  }

  /** One that was not known, and has been found fit to be passed on as it is. @param name one that passes */
  learn({ index }: FieldName, value: string): void {
    const curiosity = this.#curiosities[index] as Curiosity
    if (curiosity.asks()) this.#values[index] = value
  }
}

/** Places in the list of a request's fields, two for each. Of longer lists the rest is judged each time. */
const placesMax = 64
/** Where none is known. The binding ends a name before this. */
const noName = '\n'

/** Single fields of other names, by the place where they stood. */
export class KnownFields {
  /** Name and value alternately. */
  readonly #fields: string[] = Array.from({ length: placesMax }, () => noName)
  /** One for each place. */
  readonly #curiosities: readonly Curiosity[]

  constructor(makeCuriosity = () => new Curiosity()) {
    this.#curiosities = Array.from({ length: placesMax / 2 }, makeCuriosity)
  }

  /**
   * Adds a field that was found fit to be passed on when it stood in this place.
   * @param fields name and value alternately
   * @returns false: it is not known, and not added
   */
  addIfKnown(fields: string[], name: string, value: string): boolean {
    const at = fields.length
    if (at >= placesMax) return false
    const known = this.#fields
    if (known[at + 1] !== value || known[at] !== name) return false
    this.#curiosityAt(at).recognised()
    // The text that is known, not the one that is like it: the next comparison ends at its address.
    fields.push(known[at] as string, known[at + 1] as string)
    return true
  }

  /** A field that was not known, and has been found fit to be passed on as it is. @param at the place where it stands */
  learn(at: number, name: string, value: string): void {
    if (at >= placesMax || !this.#curiosityAt(at).asks()) return
    this.#fields[at] = name
    this.#fields[at + 1] = value
  }

  #curiosityAt(at: number): Curiosity {
    return this.#curiosities[at >> 1] as Curiosity
  }
}

/** All fields of a request. */
export class JoinedFields {
  #fields: readonly string[] = []
  #joined: string[] = []
  readonly #curiosity: Curiosity

  constructor(curiosity = new Curiosity()) {
    this.#curiosity = curiosity
  }

  /**
   * @param fields name and value alternately, fit to be written
   * @returns what reads the same if it is written as `name: value` CR LF; not to be changed
   */
  of(fields: string[]): string[] {
    if (this.#isKnown(fields)) {
      this.#curiosity.recognised()
      return this.#joined
    }
    if (fields.length <= 2) return fields
    if (!this.#curiosity.asks()) return joinedOnce(fields)
    this.#remember(fields)
    return this.#joined
  }

  #isKnown(fields: readonly string[]): boolean {
    const known = this.#fields
    if (fields.length !== known.length) return false
    for (let index = 0; index < known.length; index++) if (fields[index] !== known[index]) return false
    return known.length > 0
  }

  #remember(fields: readonly string[]): void {
    const [name, ...rest] = fields as [string, ...string[]]
    // In one piece: what `+` makes is a tree, which would be walked each time.
    this.#joined = [
      name,
      rest
        .map((text, index) => text + (index % 2 === 0 ? '\r\n' : ': '))
        .join('')
        .slice(0, -2),
    ]
    this.#fields = [...fields]
  }
}

/** Two parts for each field, where undici would join four, each behind the ones before: such a tree is written without recursion. */
function joinedOnce(fields: readonly string[]): string[] {
  let text = fields[1] as string
  for (let index = 2; index < fields.length; index += 2) {
    const name = fields[index] as string
    text = text + (fieldName(name)?.begin ?? `\r\n${name}: `) + (fields[index + 1] as string)
  }
  return [fields[0] as string, text]
}
