/** Where a value stands in the configuration: keys and array indices from the top. Empty: the file itself. */
export type Path = readonly (string | number)[]

/** What is wrong at one place, before it is known which line that is. */
export interface Finding {
  readonly path: Path
  /** What may stand there, as a noun phrase: `a whole number from 1 to 128`. */
  readonly expected: string
  /** What stands there: JSON, cut short; or words, where there is no value. */
  readonly found: string
  /** What to do about it, where more can be said. */
  readonly hint: string | null
}

/** A finding as the user gets it. `line` and `column` count from 1; null where there is no text to point at. */
export interface Problem extends Omit<Finding, 'path'> {
  /** `upstreams.app.timeouts.connect`, `routes[2].path`; empty for the file itself. */
  readonly path: string
  readonly line: number | null
  readonly column: number | null
}

/** `routes[2].path`; keys that are not plain words are quoted: `upstreams["a.b"].queue`. */
export function formatPath(path: Path): string {
  let text = ''
  for (const step of path) {
    if (typeof step === 'number') text += `[${step}]`
    else if (!/^[A-Za-z_$][\w$-]{0,63}$/.test(step)) text += `[${show(step)}]`
    else text += text === '' ? step : `.${step}`
  }
  return text
}

/** A path as the key of a map: unlike `formatPath`, which shortens for people, different for different paths. */
export function placeKey(path: Path): string {
  return JSON.stringify(path)
}

const showLength = 60

/**
 * A value as JSON of at most 60 characters. Nothing in it can move the cursor or turn the text around: what
 * JSON leaves bare (C1 controls, line separators, direction marks) is escaped too.
 */
export function show(value: unknown): string {
  const json = JSON.stringify(value) ?? 'nothing'
  const cut = json.length > showLength ? `${json.slice(0, showLength - 3)}...` : json
  return cut.replaceAll(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, escapeCharacter)
}

function escapeCharacter(character: string): string {
  return `\\u{${character.codePointAt(0)?.toString(16)}}`
}
