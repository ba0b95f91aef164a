/**
 * The building blocks of the schema. Every one has a message of its own, and the message is what was *expected*, as
 * a noun phrase; `issues.ts` adds where and what was found. No block transforms its value: what comes out is what
 * the user wrote with the defaults filled in, and `compile.ts` does the rest.
 */
import { z } from 'zod'
import { durationPattern, formatDuration, parseDuration } from './duration.ts'
import type { Range } from './limits.ts'
import { formatSize, parseSize, sizePattern } from './size.ts'

const oneOf = 'one of: '
const aDuration = 'a duration '

/** An object without other keys than these. */
export function section<Shape extends z.ZodRawShape>(shape: Shape) {
  const keys = Object.keys(shape).join(', ')
  return z.strictObject(shape, {
    error: (issue) => (issue.code === 'unrecognized_keys' ? oneOf + keys : `an object with the keys ${keys}`),
  })
}

/** The keys a section has, from its message about one that it has not. */
export function keysInMessage(message: string): readonly string[] {
  return message.slice(oneOf.length).split(', ')
}

/** Whether a message is that of a duration. */
export function wantsDuration(message: string): boolean {
  return message.startsWith(aDuration)
}

/** A whole number in a range, which the message names. */
export function integer({ min, max }: Range) {
  return z
    .int({ error: `a whole number from ${min} to ${max}` })
    .min(min)
    .max(max)
}

/** A number in a range, which the message names. */
export function number({ min, max }: Range) {
  return z
    .number({ error: `a number from ${min} to ${max}` })
    .min(min)
    .max(max)
}

/** Yes or no. */
export function flag() {
  return z.boolean({ error: 'true or false' })
}

/** A share, 0 to 1. */
export function fraction() {
  return z.number({ error: 'a number from 0 to 1' }).min(0).max(1)
}

/** A duration; the range is in milliseconds, and a range from 0 says that `"0s"` means none. */
export function duration({ min, max }: Range) {
  const range =
    min === 0 ? `up to "${formatDuration(max)}"` : `from "${formatDuration(min)}" to "${formatDuration(max)}"`
  const error = `${aDuration}${range}, such as "250ms" or "5s" (units: ms, s, m, h)${min === 0 ? ', or "0s" for none' : ''}`
  const inRange = (text: string) => {
    const ms = parseDuration(text)
    return ms !== null && ms >= min && ms <= max
  }
  return z.string({ error }).regex(durationPattern, { error, abort: true }).refine(inRange, { error })
}

/** A size; the range is in bytes, and a range from 0 says that `"0B"` means none. */
export function size({ min, max }: Range) {
  const range = min === 0 ? `up to "${formatSize(max)}"` : `from "${formatSize(min)}" to "${formatSize(max)}"`
  const error = `a size ${range}, such as "512B" or "64KiB" (units: B, KiB, MiB, GiB)${min === 0 ? ', or "0B" for none' : ''}`
  const inRange = (text: string) => {
    const bytes = parseSize(text)
    return bytes !== null && bytes >= min && bytes <= max
  }
  return z.string({ error }).regex(sizePattern, { error, abort: true }).refine(inRange, { error })
}

/** One word of several; a misspelled one gets a suggestion. */
export function choice<const Values extends readonly [string, ...string[]]>(values: Values) {
  return z.enum(values, { error: `one of ${values.map((value) => JSON.stringify(value)).join(', ')}` })
}

export interface TextRule {
  readonly expected: string
  /** What is wrong with a text, for the hint; null if nothing is. */
  readonly fault?: (text: string) => string | null
  readonly maxLength: number
  /** For editors: a first approximation that refuses nothing which the rule lets pass. */
  readonly pattern?: string
}

/** A text with a rule of its own. */
export function text({ expected, fault, maxLength, pattern }: TextRule) {
  return z
    .string({ error: expected })
    .max(maxLength, { error: `${expected}, at most ${maxLength} characters long`, abort: true })
    .check((context) => {
      const hint = fault?.(context.value) ?? null
      if (hint === null) return
      context.issues.push({ code: 'custom', input: context.value, message: expected, params: { hint } })
    })
    .meta(pattern === undefined ? {} : { pattern })
}

/** An array with bounds on its length. `what` is the plural: `endpoints`. */
export function list<Item extends z.ZodType>(item: Item, what: string, { min, max }: Range) {
  const error = min === 0 ? `an array of at most ${max} ${what}` : `an array of ${min} to ${max} ${what}`
  return z.array(item, { error }).min(min).max(max)
}

/** An object whose keys the user chooses. */
export function named<Value extends z.ZodType>(key: z.ZodString, value: Value, what: string, { max }: Range) {
  const expected = `an object with at most ${max} ${what} by name`
  return z
    .record(key, value, { error: expected })
    .refine((entries) => Object.keys(entries).length <= max, { error: expected })
    .meta({ maxProperties: max })
}
